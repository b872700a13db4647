#!/bin/sh
# What the conformance suite calls in place of a client: our command, with the arguments it was given.
exec "$COUNTERSIGN_NODE" "$COUNTERSIGN_COMMAND" "$@"
