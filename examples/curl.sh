#!/bin/sh
# Speech with curl alone: sh examples/curl.sh [http://127.0.0.1:8000]
set -eu
url=${1:-http://127.0.0.1:8000}

# A file. Formats: mp3 opus aac flac wav pcm, and webm, mulaw, alaw.
curl -sS --fail-with-body "$url/v1/audio/speech" \
  -H "Content-Type: application/json" \
  -d '{"model": "tts-1", "voice": "alloy", "input": "Hello from the shell.", "response_format": "wav"}' \
  -o hello.wav
echo "wrote hello.wav"

# Server-sent events, as the OpenAI API sends them: base64 audio in each line.
curl -sSN --fail-with-body "$url/v1/audio/speech" \
  -H "Content-Type: application/json" \
  -d '{"model": "tts-1", "voice": "alloy", "input": "Hello.", "response_format": "mp3", "stream_format": "sse"}' \
  | grep -c '"speech.audio.delta"'

# What can be chosen.
curl -sS "$url/v1/models"
echo
