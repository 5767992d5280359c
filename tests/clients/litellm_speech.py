"""litellm, unmodified: speaks by both of its calls, and fails. Runs in ``.litellm``.

python litellm_speech.py http://127.0.0.1:8000; prints what it got as JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it fetches its list of prices when it is imported

import litellm


async def fault(**fields: Any) -> dict[str, Any]:
    """litellm's own error; its synchronous call lets those of the OpenAI SDK through."""
    try:
        await litellm.aspeech(**fields)
    except (litellm.NotFoundError, litellm.BadRequestError) as error:
        return {"kind": type(error).__name__, "status": error.status_code, "words": str(error)}
    return {"kind": "none"}


async def main(url: str) -> dict[str, Any]:
    common = {
        "api_base": f"{url}/v1",
        "api_key": "any",
        "input": "Hello there, all of you.",
        "voice": "sine",
        "max_retries": 0,
    }
    spoken = litellm.speech(model="openai/tone", response_format="wav", **common)
    later = await litellm.aspeech(model="openai/tts-1", response_format="pcm", speed=2.0, **common)
    return {
        "head": spoken.content[:4].decode(),
        "served_by": spoken.response.headers["x-syrinx-model"],
        "pcm_bytes": len(later.content),
        "no_model": await fault(model="openai/nothing", **common),
        "no_voice": await fault(model="openai/tone", **{**common, "voice": "nobody"}),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(main(sys.argv[1]))) + "\n")
