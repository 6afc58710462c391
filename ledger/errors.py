"""Every way the ledger says no; the docstring of a refusal is its message.

`retryable` says whether the same command can succeed later with no change by the caller.
`field` names the part of the input at fault, where there is one.
"""

from __future__ import annotations


class LedgerError(Exception):
    """The ledger refused."""

    retryable = False

    def __init__(self, detail: str = "", *, field: str | None = None) -> None:
        """Keep the detail and the field beside the message of the class."""
        self.detail = detail
        self.field = field
        super().__init__(detail)

    @property
    def code(self) -> str:
        """A stable name for programs, e.g. `card-blocked`."""
        name = type(self).__name__
        return "".join(
            f"-{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(name)
        )

    def __str__(self) -> str:
        """The message of the class, then the detail, then the field."""
        first = (self.__doc__ or "").strip().splitlines()[0]
        text = f"{first} {self.detail}".strip()
        return f"{text} (field `{self.field}`)" if self.field else text


class InputInvalid(LedgerError):
    """The input is not well formed."""


class ProgrammeInvalid(LedgerError):
    """The programme file is wrong."""


class ProgrammeNotInForce(LedgerError):
    """No programme is in force at that instant."""


class ProgrammeTooSoon(LedgerError):
    """A programme can only take effect at a future instant."""


class CurrencyUnknown(LedgerError):
    """The receipt is not in the programme's currency."""


class CapturedInFuture(LedgerError):
    """The receipt was captured after the ledger's present."""


class BirthdayNotDue(LedgerError):
    """There is no birthday to give points for."""


class BonusNotOffered(LedgerError):
    """The programme gives no such bonus."""


class KeyConflict(LedgerError):
    """This key is already recorded with other content."""


class MemberConflict(LedgerError):
    """This receipt is already recorded for another member."""


class ProductUnknown(LedgerError):
    """There is no such product, neither in the catalogue nor on a receipt."""


class PeriodTooOld(LedgerError):
    """This period begins before those that the catalogue still compares."""


class CampaignInvalid(LedgerError):
    """The campaign's file is wrong."""


class CampaignUnknown(LedgerError):
    """There is no such campaign."""


class MemberNotAddressed(LedgerError):
    """The campaign does not address the member."""


class OffersLimited(LedgerError):
    """The member had as many offers lately as it may have."""


class CampaignOver(LedgerError):
    """The campaign is over by then."""


class BudgetShort(LedgerError):
    """More is taken out of the campaign's budget than is left of it."""


class CardUnknown(LedgerError):
    """No member holds this card."""


class CardTaken(LedgerError):
    """This card already belongs to another member."""


class CardBlocked(LedgerError):
    """This card is blocked or replaced."""


class MemberUnknown(LedgerError):
    """There is no such member."""


class ReceiptUnknown(LedgerError):
    """There is no such receipt."""


class LineUnknown(LedgerError):
    """The receipt has no such line."""


class ReturnTooLarge(LedgerError):
    """More is returned than was bought and not yet returned."""


class PointsSpent(LedgerError):
    """The points of these lines are spent, and the programme refuses such a return."""


class PointsShort(LedgerError):
    """There are not enough available points."""


class RedeemNotOffered(LedgerError):
    """The programme does not offer this redemption."""


class RedeemStep(LedgerError):
    """The programme redeems from a minimum and in steps."""


class RedeemShare(LedgerError):
    """The programme lets points pay only a share of a basket."""


class OutOfStock(LedgerError):
    """There is no piece of this gift left."""


class RebateTooSoon(LedgerError):
    """The rebate for this year is not due yet."""


class HoldUnknown(LedgerError):
    """There is no such hold."""


class HoldOver(LedgerError):
    """This hold has ended already."""


class RedemptionUnknown(LedgerError):
    """There is no such redemption."""


class VoucherUnknown(LedgerError):
    """There is no such voucher."""


class VoucherSpent(LedgerError):
    """This voucher was used or cancelled already."""


class VoucherExpired(LedgerError):
    """This voucher is not valid any more."""


class ReturnUnknown(LedgerError):
    """Nothing of this receipt came back by that return, or it was voided already."""


class AmountInvalid(LedgerError):
    """The amount must be a whole number other than zero."""


class TierUnknown(LedgerError):
    """The programme has no such tier."""


class ComplaintUnknown(LedgerError):
    """The member has no such open complaint."""


class CompensationTooLarge(LedgerError):
    """The compensation is above the programme's limit."""


class RoleUnknown(LedgerError):
    """The programme knows no such staff role."""


class RoleLimit(LedgerError):
    """This is more than the role may give or take."""


class SecondPersonNeeded(LedgerError):
    """A second person has to approve this."""


class ReviewUnknown(LedgerError):
    """No review of this receipt is open."""


class ReceiptInReview(LedgerError):
    """This receipt waits for a person to decide on it."""


class ReceiptDenied(LedgerError):
    """A person decided that this receipt earns nothing."""


class PersonalDataUnavailable(LedgerError):
    """Personal data needs the `cryptography` extra, and it is not installed."""


class Busy(LedgerError):
    """The ledger's queue is full; try again."""

    retryable = True


class StoreUnavailable(LedgerError):
    """The store did not answer; the command may or may not be recorded, so send it again."""

    retryable = True


class Closed(LedgerError):
    """The ledger is shutting down; try again elsewhere or later."""

    retryable = True


class LogMissing(LedgerError):
    """There is no ledger here; make one with `loyalty init`."""


class LogExists(LedgerError):
    """There already is a ledger here."""


class RebuildNeeded(LedgerError):
    """A report does not fit this program or this log; run `loyalty rebuild`."""


class ReportBroken(LedgerError):
    """A report cannot take what it is told."""


class RebuildOvertaken(LedgerError):
    """Another rebuild of the same report began later; it goes on, this one stopped."""


class SettingRefused(LedgerError):
    """This setting is not safe with the ledger."""


class CapturedTooLate(LedgerError):
    """The receipt is older than the programme's late limit."""


class MemberClosed(LedgerError):
    """The member's account is closed."""


class MergeRefused(LedgerError):
    """These members cannot be merged."""


class MergeUnknown(LedgerError):
    """There is no such merge that could be undone."""


class UnmergeRefused(LedgerError):
    """The merge cannot be undone now."""


class PointsHeld(LedgerError):
    """The member's points are on hold; settle or release them first."""


class TransferNotOffered(LedgerError):
    """The programme offers no transfers between members."""


class TransferLimit(LedgerError):
    """The programme transfers from a minimum and up to a limit for a day."""


class CardMayNotRedeem(LedgerError):
    """This card may not spend points."""


class CardLimitReached(LedgerError):
    """This card's limit for a day is reached."""


class AccessKeyInvalid(LedgerError):
    """The access key is unknown, over or revoked."""


class SignatureInvalid(LedgerError):
    """The webhook is not signed by its sender, or was sent too long ago."""


class AccessKeyUnknown(LedgerError):
    """There is no such access key."""


class NotPermitted(LedgerError):
    """This key's role may not do that."""


class StoreNotYours(LedgerError):
    """The key is not for this store."""


class EndpointUnknown(LedgerError):
    """There is no endpoint of this name."""


class EndpointExists(LedgerError):
    """There already is an endpoint of this name."""


class RelayBusy(LedgerError):
    """Another relay is sending from this ledger; only one does at a time."""

    retryable = True


class AllowanceNotOffered(LedgerError):
    """The programme lets no points be spent offline."""


class AllowanceLimit(LedgerError):
    """This is more than the programme lets a member spend offline."""


class AllowanceInvalid(LedgerError):
    """This allowance was not issued for that card by this ledger."""


class AllowanceOver(LedgerError):
    """The allowance did not hold when the points were spent."""


class AllowanceSpent(LedgerError):
    """This is more than is left of the allowance."""


class SigningUnavailable(LedgerError):
    """Allowances are signed with the `cryptography` extra, and it is not installed."""
