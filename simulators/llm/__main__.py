"""`python -m simulators.llm --port 8003`: prints one line, "ready http://…", when it listens.

OPENAI_BASE_URL is then that address with /v1, ANTHROPIC_BASE_URL the address itself.
"""

import json
from pathlib import Path

from simulators.common.process import options, run
from simulators.llm.serving import serve
from simulators.llm.state import Config, Simulation


def main() -> None:
    known = options("llm", __doc__, 8003)
    known.add_argument("--key", default="", help="the only API key that is accepted; without it any is")
    known.add_argument("--script", help='a JSON file: {"rules": [...]}, as POST /sim/script takes it')
    chosen = known.parse_args()

    def begin(here: Simulation) -> str:
        if chosen.script:
            here.load(json.loads(Path(chosen.script).read_text(encoding="utf-8"))["rules"])
        return ""

    run(serve, chosen, Config(key=chosen.key), begin)


if __name__ == "__main__":
    main()
