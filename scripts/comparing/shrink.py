"""A shorter sequence that shows the same difference: steps and then words are left out."""
import time

SECONDS = 20


def shrink(steps, shows):
    """The shortest of the sequences tried for which `shows` holds, as it does for `steps`."""
    end = time.monotonic() + SECONDS
    parts = flattened(steps)
    if parts != steps and shows(parts):
        steps = parts
    size = max(1, len(steps) // 2)
    while time.monotonic() < end:
        at, shorter = 0, False
        while at < len(steps) and time.monotonic() < end:
            fewer = steps[:at] + steps[at + size:]
            if shows(fewer):
                steps, shorter = fewer, True
            else:
                at += size
        if size == 1 and not shorter:
            break
        size = size if shorter and size == 1 else max(1, size // 2)
    return fewer_words(steps, shows, end)


def flattened(steps):
    """One request a step."""
    flat = []
    for step in steps:
        if step.requests:
            flat += [step._replace(requests=(request,), way=None) for request in step.requests]
        else:
            flat.append(step)
    return flat


def fewer_words(steps, shows, end):
    """Leaves out words of requests, from behind."""
    steps = list(steps)
    for number in range(len(steps)):
        for request_at in range(len(steps[number].requests)):
            for at in range(len(steps[number].requests[request_at]) - 1, 0, -1):
                if time.monotonic() > end:
                    return steps
                requests = list(steps[number].requests)
                request = requests[request_at]
                requests[request_at] = request[:at] + request[at + 1:]
                fewer = [*steps]
                fewer[number] = steps[number]._replace(requests=tuple(requests))
                if shows(fewer):
                    steps = fewer
    return steps
