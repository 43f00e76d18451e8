"""How a service's own answers are waited for: so many good ones in a row."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from airdock.aws.answer import Answer, ask
from airdock.aws.watch.subject import Facts, Lookup
from airdock.errors import Fault


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a service, and which answers count as good."""

    url: str
    status: int = 200
    text: str = ""
    """What the body must contain; "" asks for nothing."""
    good_answers: int = 3
    timeout_seconds: float = 5

    def to_id(self) -> str:
        """The question as the id of a wait."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_id(cls, told: str) -> Question:
        return cls(**json.loads(told))


class AnswerWatch:
    """Facts of a question: url, good (in a row, at the latest look), wanted, answer: the latest one in words.

    One look asks until an answer is bad or enough were good, so nothing has to be remembered between looks.
    """

    service = ""
    batch = 1

    def read(self, lookup: Lookup, ids: Sequence[str]) -> dict[str, Facts]:  # noqa: ARG002 - asks no AWS API
        return {told: _asked(Question.from_id(told)) for told in ids}

    def finished(self, facts: Facts, options: Mapping[str, Any]) -> bool:  # noqa: ARG002 - no options
        return bool(facts["good"] >= facts["wanted"])

    def progress(self, before: Facts | None, now: Facts) -> list[str]:
        if before and (before["good"], before["answer"]) == (now["good"], now["answer"]):
            return []
        return [f"{now['url']} {now['answer']}; {now['good']} of {now['wanted']} good answers in a row"]


def why_bad(question: Question, answer: Answer) -> str:
    """What is wrong with an answer, in words; "" when it is good."""
    if answer.status != question.status:
        return f"answered {answer.status} where {question.status} is expected"
    if question.text not in answer.body:
        return f"answered {answer.status} without {question.text!r} in the body"
    return ""


def _asked(question: Question) -> Facts:
    good, said = 0, "was not asked"
    while good < question.good_answers:
        bad, said = _once(question)
        if bad:
            break
        good += 1
    return {"url": question.url, "good": good, "wanted": question.good_answers, "answer": said}


def _once(question: Question) -> tuple[bool, str]:
    try:
        answer = ask(question.url, question.timeout_seconds)
    except Fault as fault:
        return True, fault.sentence.removeprefix(question.url).strip()
    why = why_bad(question, answer)
    return bool(why), why or f"answered {answer.status}"
