#!/bin/sh
# The entry point of the image. What works with the image of redis works here: no words, options,
# a configuration file, `redis-server ...`; anything else is run as it is.
set -eu

case "${1:-}" in
redis-server | respq)
  shift
  ;;
'' | -* | *.conf | check-aof | completions | ping) ;;
*)
  exec "$@"
  ;;
esac

case "${1:-}" in
*.conf | check-aof | completions | ping)
  exec respq "$@"
  ;;
*)
  exec respq /etc/respq.conf "$@"
  ;;
esac
