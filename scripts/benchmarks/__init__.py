"""The parts of scripts/bench; README.md beside this has earlier runs.

  contenders.py   respq and its peers, and the figures of a run
  load.py         the two load generators: redis-benchmark, and tests/load of this project
  commands.py     single commands, a script, the policies of appendfsync
  queues.py       producers and consumers: hand-off, reliable queue, stream groups, fan-out
  depth.py        what a command costs when there is much data
  memory.py       bytes for each message and each idle connection
  files.py        loading and rewriting what is on disk
  jobs.py         BullMQ, Celery, Asynq
  report.py       ratios, tables, JSON, the picture
  callgrind.py    instructions, for scripts/instructions
  training.py     what scripts/pgo has a server do while it counts
"""
