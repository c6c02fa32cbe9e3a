"""Ratios respq / best peer: tables, JSON, and the picture for README."""
import datetime
import html
import json
import math
import os
import platform
import statistics

from .contenders import FLOOR

SELF = "respq"
# What a figure is called, in the order in which figures are shown.
NAMES = {
    "per_second": "per second",
    "add_per_second": "added per second",
    "process_per_second": "processed per second",
    "cpu_us": "CPU us each",
    "own_cpu_us": "without the kernel",
    "busy": "cores busy",
    "load_busy": "cores the load takes",
    "p50_us": "p50 us",
    "p99_us": "p99 us",
    "p999_us": "p99.9 us",
    "max_us": "max us",
    "calm_p999_us": "p99.9 us before",
    "above_bytes": "bytes above payload",
    "used_bytes": "bytes used",
    "rss_bytes": "bytes resident",
    "grown_mb": "MB grown",
    "file_mb": "MB on disk",
    "seconds": "seconds",
}


def more_is_better(figure):
    return figure.endswith("per_second")


def ratio(ours, theirs):
    return ours / theirs if theirs else None


def combine(rounds):
    """`rounds` hold the figures by contender. A ratio is the median over the rounds of respq / the
    peer that is best in that figure by its median."""
    result = {}
    for figure in rounds[0][SELF]:
        medians = {
            name: statistics.median(one[name][figure] for one in rounds) for name in rounds[0]
        }
        peers = [name for name in medians if not name.startswith(SELF) and name != FLOOR]
        best = (max if more_is_better(figure) else min)(peers, key=medians.get)
        ratios = [ratio(one[SELF][figure], one[best][figure]) for one in rounds]
        ratios = [one for one in ratios if one is not None]
        result[figure] = {
            "medians": {name: round(value, 3) for name, value in medians.items()},
            "best_peer": best,
            "ratio": round(statistics.median(ratios), 3) if ratios else None,
            "ratios": [round(one, 3) for one in ratios],
        }
        if FLOOR in medians:
            result[figure]["floor ratio"] = ratio(medians[FLOOR], medians[best])
        if figure == "cpu_us" and "own_cpu_us" in rounds[0][SELF]:
            ours = statistics.median(one[SELF]["cpu_us"] - one[SELF]["own_cpu_us"] for one in rounds)
            result[figure]["kernel ratio"] = ratio(ours, medians[best])
        for name in medians:
            if name.startswith(SELF + " "):
                result[figure]["ratio to " + name] = ratio(medians[SELF], medians[name])
    return result


def number(value):
    return "%.0f" % value if abs(value) >= 1000 else "%.3g" % value


def show(name, result):
    """A line for each figure of a workload."""
    for figure, values in sorted(result.items(), key=lambda item: list(NAMES).index(item[0])):
        text = "-" if values["ratio"] is None else "%.2f" % values["ratio"]
        medians = "  ".join("%s %s" % (who, number(value)) for who, value in values["medians"].items())
        for key, title in (("floor ratio", "floor"), ("kernel ratio", "kernel alone")):
            if values.get(key) is not None:
                medians += "  (%s: %.2f)" % (title, values[key])
        print("%-19s %-21s %6s  of %-9s %s" % (name, NAMES[figure], text, values["best_peer"], medians))
        name = ""


# What workloads are called in README's table; those of commands go by their names.
ROWS = {
    "fsync-always-50": "LPUSH, `appendfsync always` (peers: too)",
    "script-add-job": "a Lua script that adds a job (4 commands)",
    "script-add-job-commands": "its commands in one pipeline, without a script",
    "stream-1": "stream group, XADD and XREADGROUP COUNT 1",
    "stream-10": "stream group, XADD and XREADGROUP COUNT 10",
    "backlog-1": "stream group, a backlog by XREADGROUP COUNT 1",
    "backlog-10": "stream group, a backlog by XREADGROUP COUNT 10",
    "reliable-full": "reliable queue (BLMOVE, LREM)",
    "handoff-full": "LPUSH to blocked BRPOP, as fast as it goes",
    "handoff-5000": "LPUSH to blocked BRPOP, 5,000 a second",
    "handoff-5000-one-core": "the same, server and load on one core",
    "handoff-5000-two-cores": "the same, each on a core of its own",
    "ping-5000": "PING, 5,000 a second",
    "jobs-bullmq": "BullMQ, jobs",
    "jobs-celery": "Celery, jobs",
    "jobs-asynq": "Asynq, jobs",
}
HEAD = ["workload", "throughput", "p50 latency", "p99 latency", "CPU", "kernel alone"]
HEAD += ["CPU outside the kernel", "load, cores"]


def table(results):
    """README's table in Markdown, the floor's ratios in parentheses."""
    lines = [HEAD, ["---"] * len(HEAD)]
    for name, figures in results.items():
        command, _, pipeline = name.rpartition("-")
        of_command = command.isupper()
        if not of_command and name not in ROWS:
            continue
        title = "%s, pipeline %s" % (command, pipeline) if of_command else ROWS[name]
        if "add_per_second" in figures:
            lines.append([title + " added", cell(figures, "add_per_second"), *[""] * 6])
            title += " processed"
        is_paced = "per_second" not in figures
        rate = "process_per_second" if "process_per_second" in figures else "per_second"
        load = figures.get("load_busy") or figures.get("busy")
        lines.append([
            title,
            cell(figures, rate),
            cell(figures, "p50_us", is_paced),
            cell(figures, "p99_us", is_paced),
            cell(figures, "cpu_us"),
            "%.2f" % figures["cpu_us"]["kernel ratio"] if "kernel ratio" in figures["cpu_us"] else "",
            cell(figures, "own_cpu_us", False),
            "%.2f" % load["medians"][SELF] if load else "",
        ])
    return "\n".join("| %s |" % " | ".join(cells) for cells in lines)


def cell(figures, figure, with_floor=True):
    if figure not in figures or figures[figure]["ratio"] is None:
        return ""
    text, floor = "%.2f" % figures[figure]["ratio"], figures[figure].get("floor ratio")
    return text if floor is None or not with_floor else "%s (%.2f)" % (text, floor)


def machine():
    with open("/proc/cpuinfo") as lines:
        models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    with open("/proc/meminfo") as lines:
        gigabytes = int(lines.readline().split()[1]) / 1e6
    return "%d x %s, %.0f GB, Linux %s" % (
        os.cpu_count(), models[0] if models else platform.machine(), gigabytes, platform.release()
    )


def head(contenders, rounds):
    return {
        "machine": machine(),
        "date": datetime.date.today().isoformat(),
        "rounds": rounds,
        "load_before": os.getloadavg()[0],
        "contenders": {one.name: " ".join([one.version(), *one.words]) for one in contenders},
    }


def write_json(path, about, results):
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(path, "w") as out:
        json.dump({"about": about, "workloads": results}, out, indent=1)


def merge(path, about, measuring):
    """The workloads of an earlier run. `about` gets its contenders too; if nothing is measured now,
    it becomes that of the earlier run."""
    if not os.path.exists(path):
        return {}
    with open(path) as text:
        earlier = json.load(text)
    if measuring:
        about["contenders"] = {**earlier["about"]["contenders"], **about["contenders"]}
    else:
        about.update(earlier["about"])
    return earlier["workloads"]


# The picture: columns of bars; a bar to the right is better than the best peer.
COLUMNS = (
    ("throughput", ("per_second", "process_per_second")),
    ("server CPU each", ("cpu_us",)),
    ("latency p99", ("p99_us",)),
    ("memory", ("rss_bytes", "grown_mb")),
)
LABEL_WIDTH, COLUMN_WIDTH, BAR_WIDTH, ROW, TOP = 150, 170, 55, 18, 66
BETTER, WORSE, INK, FAINT = "#1a7f5a", "#c2571a", "#24292f", "#6e7781"
# A bar has its full length at this factor.
FACTOR_MAX = 4.0


def text(x, y, words, anchor="start", fill=INK, size=11):
    return '<text x="%g" y="%g" text-anchor="%s" fill="%s" font-size="%g">%s</text>' % (
        x, y, anchor, fill, size, html.escape(words)
    )


def bar(middle, y, figure, value):
    """A bar from the middle line, with the ratio beside it."""
    factor = value if more_is_better(figure) else 1 / max(value, 1e-9)
    length = BAR_WIDTH * max(-1.0, min(1.0, math.log(max(factor, 1e-9)) / math.log(FACTOR_MAX)))
    x, colour = (middle, BETTER) if length >= 0 else (middle + length, WORSE)
    shape = '<rect x="%.1f" y="%g" width="%.1f" height="%g" fill="%s"/>' % (
        x, y - ROW + 7, abs(length), ROW - 7, colour
    )
    side = "start" if length >= 0 else "end"
    return shape + text(middle + length + (4 if length >= 0 else -4), y - 2, "%.2f" % value, side, FAINT, 9)


def rows_of(results):
    """(workload, {column: (figure, ratio)}) of the workloads that have a bar."""
    for name, result in results.items():
        cells = {}
        for column, (_, figures) in enumerate(COLUMNS):
            for figure in figures:
                if result.get(figure, {}).get("ratio") is not None:
                    cells[column] = (figure, result[figure]["ratio"])
                    break
        if cells:
            yield name, cells


def picture(about, results):
    rows = list(rows_of(results))
    width, height = LABEL_WIDTH + COLUMN_WIDTH * len(COLUMNS) + 10, TOP + ROW * len(rows) + 26
    out = [
        '<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" '
        'font-family="system-ui, sans-serif">' % (width, height, width, height),
        '<rect width="100%" height="100%" rx="6" fill="#ffffff"/>',
        text(12, 20, "respq / best peer (%s)" % ", ".join(list(about["contenders"])[1:]), size=13),
        text(12, 36, "a bar to the right: respq is better; the number is the ratio", fill=FAINT),
    ]
    for column, (title, figures) in enumerate(COLUMNS):
        middle = LABEL_WIDTH + COLUMN_WIDTH * column + COLUMN_WIDTH / 2
        out.append(text(middle, TOP - 12, title, "middle"))
        out.append('<line x1="%g" x2="%g" y1="%g" y2="%g" stroke="%s" stroke-width="1"/>' % (
            middle, middle, TOP - 6, TOP + ROW * len(rows), FAINT
        ))
    for place, (name, cells) in enumerate(rows):
        y = TOP + ROW * (place + 1) - 4
        out.append(text(LABEL_WIDTH - 8, y, name, "end"))
        for column, (figure, value) in cells.items():
            out.append(bar(LABEL_WIDTH + COLUMN_WIDTH * column + COLUMN_WIDTH / 2, y, figure, value))
    note = "%s; %s; medians of %s rounds" % (about["date"], about["machine"], about["rounds"])
    out.append(text(12, height - 9, note, fill=FAINT, size=9))
    return "\n".join([*out, "</svg>"]) + "\n"
