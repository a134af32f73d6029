"""pgconns bouncer: the commands about PgBouncer. Each is a module of its own, `bouncer_` before its name."""

SUBCOMMANDS: dict[str, str] = {
    "config": "write PgBouncer's files, try them, and lead Connections through it",
    "check": "say what is wrong with a running PgBouncer, and prove its cap",
}
