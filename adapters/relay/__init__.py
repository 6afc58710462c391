"""The log, sent on to others: webhooks out, and an optional relay to NATS JetStream.

`registering` keeps endpoints; `running` sends, with a `courier` for each of them; `webhook` and
`jetstream` are the two ways to send.
"""
