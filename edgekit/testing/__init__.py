"""Contract suites: what a core, operator, transport, attack or use case must do to belong here.

One module each. A suite takes the record of a new one, a user's own too, and says what it lacks; the tests
of the kit run it over all that the kit has, `edgekit check` over a use case. Nothing else imports this.
"""
