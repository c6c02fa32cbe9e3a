"""Questions about commands: which keys a request has, and whether a user may send it."""
from .families import DATA, FAMILIES


def question(author):
    """COMMAND GETKEYS and its kin, or ACL DRYRUN, of a request on data."""
    dice = author.dice
    request = author.fill(dice.choice(FAMILIES[dice.choice(DATA + ("blocking", "tracking"))]))
    if dice.random() < 0.5:
        return [b"COMMAND", dice.choice([b"GETKEYS", b"GETKEYSANDFLAGS"]), *request]
    return [b"ACL", b"DRYRUN", dice.choice([b"u0", b"u1", b"default"]), *request]
