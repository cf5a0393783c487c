"""Language models on loopback: OpenAI's Responses API, chat completions and embeddings, and Anthropic's Messages API,
with scripted answers and every failure. Nothing here thinks.

POST /sim/script {"rules": [...]} says what comes; the first rule that fits a request and has turns left answers it:

    contains    words that the request must hold        wire     responses | chat | messages | embeddings
    say         the answer: words, or JSON              count    how often the rule holds; without it, for ever
    trouble     what goes wrong instead, or with it     seconds  how long, for slow_first_byte and stall
    retry_after seconds that a 429 or a 529 asks for

    unauthorized 401 · rate_limited 429 · no_credit 429 or 400, as the provider has it · bad_request 400
    server_error 500 · overloaded 529 (Anthropic) or 503 (OpenAI) · gateway an HTML page with 502
    slow_first_byte · stall and disconnect in the middle of the body · malformed the body itself is no JSON
    bad_json the model's words are none · truncated · refusal · empty · loop · overlong · wrong_tool
    error_event the stream says that it failed · no_such_path 404 · no_format 400, structured output is not known

Without a rule a request for JSON gets the smallest instance of its schema, any other its own last words back.
"""

from simulators.llm.app import create_app
from simulators.llm.serving import Running, serve
from simulators.llm.state import Config, Simulation

__all__ = ["Config", "Running", "Simulation", "create_app", "serve"]
