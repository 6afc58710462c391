"""What each member is about to buy, and when: fitted on what members bought before.

The one room of the ledger with fractions in it: a probability is no amount. Everything here is
values in, values out; numbers come in as integer arrays and leave as integers or as a model that
is recorded. Needs the `offers` extra: numpy, and scikit-learn for fitting.
"""
