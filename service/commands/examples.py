"""What each command's help ends with: a line or two to begin from.

A test holds that each command has some, and that they are taken.
"""

EXAMPLES: dict[str, tuple[str, ...]] = {
    "index": (
        "pincite index ~/Documents/contracts",
        "pincite index 'reports/**/*.pdf' notes.md --dry-run",
    ),
    "sync": ("pincite sync ~/Documents", "pincite sync handbook policies --json"),
    "watch": ("pincite watch ~/Documents",),
    "ask": (
        'pincite ask "How many days of annual leave are there?"',
        'pincite ask "Who signs the lease?" --where type=pdf --top 1',
        "pincite ask - --json < questions.txt",
        "pincite ask How long is the lease --url http://127.0.0.1:8000",
    ),
    "chat": ("pincite chat", "pincite chat --browser http://127.0.0.1:8000"),
    "search": ("pincite search notice period --top 5", "pincite search rent --where 'date>=2024'"),
    "list": ("pincite list", "pincite list --where 'path~contracts/*.pdf'"),
    "show": ("pincite show handbook.md", "pincite show 41f6ee05 --json"),
    "status": ("pincite status", "pincite status --failed"),
    "remove": ("pincite remove old/handbook.md", "pincite remove 41f6ee05 9dee6193"),
    "reindex": ("pincite reindex --passage-tokens 128", "pincite reindex --rollback"),
    "doctor": ("pincite doctor", "pincite doctor --index /srv/pincite --json"),
    "formats": ("pincite formats",),
    "models": ("pincite models",),
    "calibrate": (
        "pincite calibrate questions.jsonl --documents ~/Documents",
        "pincite calibrate --reset",
    ),
    "config": ("pincite config", "pincite config --template > pincite.toml"),
    "serve": ("pincite serve", "pincite serve --port 9000 --watch ~/Documents"),
    "backup": ("pincite backup pincite-monday.tar.gz", "pincite backup - > /mnt/vault/pincite.gz"),
    "restore": ("pincite restore pincite-monday.tar.gz restored",),
    "mcp": ("pincite mcp", "pincite mcp --index /srv/pincite"),
    "train reader": (
        "pincite train reader --data squad.json.gz=0.5 --base ./base --out ours",
        "pincite train reader --questions ours.jsonl --base ./base --out ours",
    ),
    "keys create": (
        "pincite keys create laptop --scope admin",
        "pincite keys create intranet --collection hr --expires 90d",
    ),
    "keys list": ("pincite keys list", "pincite keys list --json"),
    "keys revoke": ("pincite keys revoke 3f9a61c0d2b7",),
    "collections create": ("pincite collections create contracts",),
    "collections list": ("pincite collections list", "pincite collections list --json"),
    "eval reader": ("pincite eval reader dev-v2.0.json",),
    "eval retrieval": ("pincite eval retrieval cranfield/",),
    "eval answers": ("pincite eval answers seeds seeds/questions.jsonl",),
}
