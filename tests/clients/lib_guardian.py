"""A proxy's part between Codex and assent: what Codex has reviewed goes to the
daemon.

    model.guardian = guardian_of(daemon)
"""

import http.client
import os
import sys

sys.path.insert(0, f"{os.path.dirname(os.path.dirname(os.path.abspath(__file__)))}"
                   "/integration")

from lib_daemon import UnixConnection  # noqa: E402

WAIT_S = 20  # less than Codex waits
# what Codex's model says of a command that is to leave its sandbox
ESCALATED = {"sandbox_permissions": "require_escalated",
             "justification": "May I run this outside the sandbox?"}


def guardian_of(daemon):
    def ask(body):
        """(status, content type, bytes) for a review."""
        connection = UnixConnection(f"{daemon.runtime}/agent.sock", WAIT_S + 9)
        try:
            connection.request(
                "POST", f"/v1/codex/responses?wait={WAIT_S}", body,
                {"Content-Type": "application/json"})
            reply = connection.getresponse()
            return (reply.status, reply.getheader("content-type", ""),
                    reply.read())
        except (OSError, http.client.HTTPException) as e:
            return 502, "text/plain", str(e).encode()
        finally:
            connection.close()
    return ask
