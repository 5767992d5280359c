"""ElevenLabs' lists of voices and models, and its account, as bytes. Shapes: the API reference and its SDK's types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from syrinx.models.base import ModelInfo, VoiceInfo

_encode = msgspec.json.Encoder().encode

ENDLESS = 2**31 - 1
"""Stands for what has no limit: 32 bits, which every client can hold."""


@dataclass(frozen=True, slots=True)
class ListedAs:
    """A voice to list."""

    voice_id: str
    """What a path's voice takes."""
    voice: VoiceInfo
    model: str
    cloned: bool = False


def voice_object(listed: ListedAs) -> dict[str, Any]:
    """One entry of ``GET /v1/voices``, and ``GET /v1/voices/{id}``."""
    voice = listed.voice
    gender = {"gender": voice.gender} if voice.gender else {}
    return {
        "voice_id": listed.voice_id,
        "name": voice.name,
        "category": "cloned" if listed.cloned else "premade",
        "labels": {"language": voice.languages[0], **gender},
        "description": voice.description or None,
        "preview_url": None,
        "samples": None,
        "settings": {"stability": None, "similarity_boost": None, "speed": 1.0},
        "high_quality_base_model_ids": [listed.model],
        "verified_languages": [
            {"language": tag.partition("-")[0], "model_id": listed.model, "accent": None, "locale": tag}
            for tag in voice.languages
        ],
        "available_for_tiers": [],
        "is_owner": listed.cloned,
    }


def voice_body(listed: ListedAs) -> bytes:
    """Render ``GET /v1/voices/{id}``."""
    return _encode(voice_object(listed))


def voices_body(voices: Sequence[ListedAs]) -> bytes:
    """Render ``GET /v1/voices``."""
    return _encode({"voices": [voice_object(voice) for voice in voices]})


def search_body(voices: Sequence[ListedAs], query: Mapping[str, str]) -> bytes:
    """Render ``GET /v2/voices``: those that have ``search`` in their id, name or description, and all on one page."""
    wanted = query.get("search", "").lower()
    found = [
        listed
        for listed in voices
        if wanted in f"{listed.voice_id} {listed.voice.name} {listed.voice.description}".lower()
    ]
    objects = [voice_object(listed) for listed in found]
    return _encode({"voices": objects, "has_more": False, "total_count": len(found), "next_page_token": None})


def models_body(models: Sequence[ModelInfo], max_chars: int) -> bytes:
    """Render ``GET /v1/models``: a bare list."""
    return _encode([_model_object(model, max_chars) for model in models])


def _model_object(model: ModelInfo, max_chars: int) -> dict[str, Any]:
    tags = dict.fromkeys(tag for voice in model.voices for tag in voice.languages)
    return {
        "model_id": model.name,
        "name": model.title,
        "description": model.title,
        "can_do_text_to_speech": True,
        "can_do_voice_conversion": False,
        "can_be_finetuned": False,
        "can_use_style": False,
        "can_use_speaker_boost": False,
        "serves_pro_voices": False,
        "requires_alpha_access": False,
        "token_cost_factor": 0.0,
        "maximum_text_length_per_request": max_chars,
        "languages": [{"language_id": tag, "name": tag} for tag in tags],
    }


def subscription() -> dict[str, Any]:
    """``GET /v1/user/subscription``: nothing is counted here, so nothing runs out."""
    return {
        "tier": "self-hosted",
        "status": "active",
        "character_count": 0,
        "character_limit": ENDLESS,
        "max_character_limit_extension": None,
        "max_credit_limit_extension": 0,
        "can_extend_character_limit": False,
        "allowed_to_extend_character_limit": False,
        "next_character_count_reset_unix": None,
        "voice_limit": ENDLESS,
        "voice_slots_used": 0,
        "professional_voice_limit": 0,
        "professional_voice_slots_used": 0,
        "professional_voice_slots_used_in_workspace": 0,
        "can_extend_voice_limit": False,
        "can_use_instant_voice_cloning": True,
        "can_use_professional_voice_cloning": False,
        "voice_add_edit_counter": 0,
        "max_voice_add_edits": ENDLESS,
        "current_overage": {"amount": "0", "currency": "usd"},
        "has_open_invoices": False,
        "open_invoices": [],
    }


def user_body(user_id: str) -> bytes:
    """Render ``GET /v1/user``."""
    return _encode(
        {
            "user_id": user_id,
            "workspace_id": "syrinx",
            "subscription": subscription(),
            "is_new_user": False,
            "can_use_delayed_payment_methods": False,
            "is_onboarding_completed": True,
            "is_onboarding_checklist_completed": True,
            "first_name": None,
            "created_at": 0,
            "seat_type": "workspace_admin",
        }
    )


def subscription_body() -> bytes:
    """Render ``GET /v1/user/subscription``."""
    return _encode(subscription())
