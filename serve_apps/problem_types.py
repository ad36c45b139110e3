"""Where the kinds of problems are explained. Without FastAPI: Serve's proxies import it too; see front_door.py."""

PROBLEMS_PATH = "/docs/problems"  # the service has it, docs_page.py; each status is an anchor of it
RETRY_AFTER_S = 2  # an owner or a replica that was lost is back within seconds
