"""Markdown and HTML: what only shapes the page is dropped, what it holds stays and is normalised like all text."""

from __future__ import annotations

import re

from .rule import rule

M = re.MULTILINE

MARKUP = (
    rule("comment", r"<!--(?:[^-]|-(?!->)){0,500}-->", "", "<"),
    rule("break tag", r"<(?:br|/p|/div|/li|/h[1-6]|/tr|hr)\b[^<>]{0,200}>", "\n", "<", re.IGNORECASE),
    rule("cell tag", r"</t[dh]\s{0,9}>", ", ", "<", re.IGNORECASE),
    rule("tag", r"</?[a-zA-Z][a-zA-Z0-9:-]{0,40}(?:\s[^<>]{0,1000})?/?>", "", "<"),
    rule("fence", r"^[ \t]*(?:`{3,}|~{3,})[^\n`]*$", "", "`~", M),
    rule("code", r"(?<!`)`(?P<code>[^`\n]{1,500})`(?!`)", "", "`", keep="code"),
    rule("code ticks", r"`+", "", "`"),
    rule("auto link", r"<(?P<url>(?:https?://|mailto:)[^<>\s]{1,2000})>", "", "<", keep="url"),
    rule(
        "image",
        r"!\[(?P<alt>[^\[\]]{0,1000})\]\((?:[^()\s]|\([^()\s]{0,200}\)){0,2000}(?:\s[^()\n]{0,200})?\)",
        "",
        "!",
        keep="alt",
    ),
    rule("image left", r"!(?=\[)", "", "!"),
    rule(
        "link",
        r"\[(?P<text>[^\[\]]{1,1000})\]\((?:[^()\s]|\([^()\s]{0,200}\)){0,2000}(?:\s[^()\n]{0,200})?\)",
        "",
        "[",
        keep="text",
    ),
    rule("reference link", r"\[(?P<text>[^\[\]]{1,1000})\]\[[^\[\]]{0,200}\]", "", "[", keep="text"),
    rule("footnote", r"\[\^[^\[\]\s]{1,40}\]:?", "", "["),
    rule("citation", r"(?<=\w|[.,;!?)])(?:\[\d{1,3}(?:[,–-]\s?\d{1,3}){0,9}\]){1,9}", "", "["),
    rule("link rest", r"\]\((?:https?:|mailto:|/|#)[^()\s]{0,2000}\)", "", "]"),
    rule(
        "table rule",
        r"^[ \t]{0,20}\|?[ \t]{0,20}:?-{3,}:?(?:[ \t]{0,20}\|[ \t]{0,20}:?-{1,99}:?){0,200}[ \t]{0,20}\|?[ \t]{0,20}$",
        "",
        "-",
        M,
    ),
    rule(
        "rule",
        r"^[ \t]*(?:[-_=]{3,}|\*{3,}|(?:\*[ \t]){2,20}\*|(?:-[ \t]){2,20}-|(?:_[ \t]){2,20}_)[ \t]*$",
        "",
        "-_=*",
        M,
    ),
    rule("row start", r"^[ \t]*\|[ \t]*", "", "|", M),
    rule("row end", r"[ \t]{0,20}\|[ \t]{0,20}$", "", "|", M),
    rule("cell", r"[ \t]{0,20}(?<!\|)\|(?!\|)[ \t]{0,20}", ", ", "|"),
    rule("heading", r"^[ \t]*#{1,6}[ \t]+", "", "#", M),
    rule("heading end", r"(?<=\s)#{1,6}[ \t]*$", "", "#", M),
    rule("quote", r"^[ \t]{0,20}>(?:[ \t]{0,4}>){0,20}(?:[ \t]|(?=[^\s\d=]))", "", ">", M),
    rule("task", r"^[ \t]*[-*+][ \t]{1,9}\[[ xX]\][ \t]+", "", "[", M),
    rule("bullet", r"^[ \t]*[-*+•‣◦▪●○][ \t]+", "", "-*+•‣◦▪●○", M),
    rule("escape", r"\\(?=[\\`*_{}\[\]()#+\-.!|<>~$])", "", "\\"),
    rule("strike", r"~~", "", "~"),
    rule("emphasis", r"(?<![*\s\d])\*{1,3}(?![*\d])|\*{1,3}(?=[^\s*\d])|(?<=\d)\*{2,3}|\*{2,3}(?=\d)", "", "*"),
    rule("one starred", r"(?<![\w*])\*(?P<in>[^*\n]{1,300})\*(?![\w*])", "", "*", keep="in"),
    rule("underlined", r"(?<!\w)_{1,3}(?=[^\s_])|(?<=[^\s_])_{1,3}(?!\w)", "", "_"),
    rule("entity", r"&(?:nbsp|#160|ensp|emsp|thinsp);", " ", "&"),
    rule("ampersand", r"&(?:amp|#38);", "&", "&"),
    rule("less", r"&(?:lt|#60);", "<", "&"),
    rule("more", r"&(?:gt|#62);", ">", "&"),
    rule("quote sign", r"&(?:quot|#34|ldquo|rdquo);", '"', "&"),
    rule("apostrophe", r"&(?:apos|#39|rsquo|lsquo);", "'", "&"),
    rule("footnote sign", r"[†‡¶]", "", "†‡¶"),
)
