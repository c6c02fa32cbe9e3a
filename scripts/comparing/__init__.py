"""The parts of scripts/compare.

  words.py      what stands in requests: values, numbers, ids, keys; usual ones and odd ones
  families.py   the forms of requests, by family of commands
  scripts.py    Lua: expressions, and scripts that run commands of the families
  steps.py      from a seed to a sequence of steps: who sends what, who reconnects
  wire.py       a connection that reads replies of both protocols without waiting for them
  match.py      a sequence on both servers, until they differ
  replies.py    which replies count as equal: order, ages, ids
  known.py      differences that are known, each with its reason
  contents.py   all data of both servers
  shrink.py     a shorter sequence that shows the same
"""
