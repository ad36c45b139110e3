#!/bin/sh
# Deploys the search service whenever Ray has none, or one that did not start: before the first run there is no index,
# and a head that was started anew knows nothing of what was served. RAY_DASHBOARD_ADDRESS says which Ray.
config=$(dirname "$0")/serve_config.yaml
while true; do
  case "$(serve status --name footage 2>/dev/null)" in
    *"status: RUNNING"* | *"status: DEPLOYING"* | *"status: UNHEALTHY"*) ;;
    *) serve deploy "$config" ;;
  esac
  sleep "${LOOK_EVERY_S:-30}"
done
