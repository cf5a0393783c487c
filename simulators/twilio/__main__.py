"""`python -m simulators.twilio --port 8001`: prints one line, "ready http://…", when it listens."""

from simulators.common.process import options, run
from simulators.twilio.serving import serve
from simulators.twilio.state import Config


def main() -> None:
    known = options("twilio", __doc__, 8001)
    known.add_argument("--seed", type=int, default=0)
    known.add_argument("--step-delay", type=float, default=0.05, help="seconds between two delivery states")
    known.add_argument("--media-origin", help="where media is redirected to; default: here, as localhost")
    chosen = known.parse_args()
    run(
        serve,
        chosen,
        Config(seed=chosen.seed, step_delay=chosen.step_delay, media_origin=chosen.media_origin),
    )


if __name__ == "__main__":
    main()
