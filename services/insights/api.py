"""What insights answer over HTTP, in their own process and in the monitor: what bursts, a tag's history, stories."""

from collections.abc import Sequence
from typing import Annotated, Final

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from schemas.documents import DocumentId, Slug
from schemas.insights import TagHistory, TagTrend, TrendEvent
from services.insights.kept import Kept, Member, Story
from services.insights.telling import relation, why, why_now
from services.insights.view import State, View
from services.kafka.validation import explanation
from services.telemetry.openapi import Answer, Route

MOST: Final = 200
"""Of anything in one answer."""
USUAL: Final = 20
MOST_MEMBERS: Final = 500
"""Of one story."""


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    limit: Annotated[int, Field(ge=1, le=MOST)] = USUAL
    """At most so many."""


class Example(Answer):
    id: str
    title: str | None
    source: str
    at_s: float
    """Event time: when it was published, or came in."""


class Burst(Answer):
    id: str
    """The same in all answers about it."""
    tag: str
    event: TrendEvent
    """What was said of it last."""
    why: str
    """In a sentence."""
    started_at_s: float
    at_s: float
    """End of the window that was judged last."""
    window_s: int
    stories: int
    """Different stories in that window."""
    documents: int
    """Documents in it, copies and all."""
    expected: float
    """Stories that such a window holds at this time of day."""
    score: float
    """-log10 of the probability of so many or more."""
    peak_stories: int
    peak_score: float
    examples: list[Example]
    """Documents that made it, one a story; not all of them."""


class Counts(Answer):
    """Where a tag stands, and how it came there."""

    tag: str
    why: str
    """What its last window holds, in a sentence."""
    at_s: float
    """End of the last interval."""
    interval_s: int
    stories: list[int]
    """In each interval, the last one last."""
    expected: list[float]
    """Beside each number of stories."""
    score: float
    """Of the last window."""
    burst: Burst | None
    """The one that goes on. null: the tag does not burst."""


class TagDetail(Counts):
    bursts: list[Burst]
    """All that are kept, the latest first; withdrawn ones, too."""


class Trends(Answer):
    at_s: float | None
    """How far insights have come, in event time. null: nothing was counted yet."""
    tags: int
    """Tags that are counted."""
    bursting: list[Counts]
    """The most surprising first."""
    ended: list[Burst]
    """Bursts that are over, the last one first."""
    problem: str | None
    """Why this may be old. null: it is not."""


class StoryRow(Answer):
    id: str
    """Id of its earliest document."""
    title: str | None
    """Of the earliest document that is kept, as is the source."""
    source: str
    sources: int
    """How many have brought it."""
    documents: int
    first_at_s: float
    last_at_s: float


class Stories(Answer):
    stories: list[StoryRow]
    """The largest first."""
    story_count: int
    """All that are kept."""
    document_count: int
    """Documents that are of a story."""
    problem: str | None
    """Why this may be old. null: it is not."""


class MemberRow(Answer):
    id: str
    title: str | None
    source: str
    at_s: float
    duplicate_of: str | None
    """The earliest document of the story that this one is a near duplicate of. null: it is the first of its kind."""
    similarity: float | None
    """Estimated Jaccard similarity to it."""
    why: str
    """The same in words."""


class StoryDetail(StoryRow):
    members: list[MemberRow]
    """Those that are kept, the earliest first."""
    is_more: bool
    """Whether there are, or were, more members than these."""


FAILURES: Final = {503: "Insights have not run here, or what they say is still being read."}
LIMITED: Final = {**FAILURES, 400: "The query is not as it should be."}
NAMED: Final = {**FAILURES, 400: "No tag is called so."}
NO_ID: Final = {**FAILURES, 400: "No document has such an id."}


def routes(view: View) -> Sequence[Route]:
    """Return the paths that answer from a view, which somebody else keeps running."""

    async def get_trends(request: web.Request) -> web.Response:
        limit = _limit(request)
        return _answer(trends(await _kept(view), limit, problem=view.problem))

    async def get_trend(request: web.Request) -> web.Response:
        tag = _checked(TypeAdapter(Slug), request.match_info["tag"], "tag")
        kept = await _kept(view)
        history = kept.history(tag)
        if history is None:
            raise web.HTTPNotFound(text=f"nothing was counted for the tag {tag}")
        return _answer(tag_detail(kept, history))

    async def get_stories(request: web.Request) -> web.Response:
        limit = _limit(request)
        return _answer(stories(await _kept(view), limit, problem=view.problem))

    async def get_story(request: web.Request) -> web.Response:
        document_id = _checked(TypeAdapter(DocumentId), request.match_info["document_id"], "document_id")
        story = (await _kept(view)).story(document_id)
        if story is None:
            raise web.HTTPNotFound(text=alone(document_id))
        return _answer(story_detail(story))

    trend, document = "/api/v1/trends/{tag}", "/api/v1/stories/{document_id:.+}"
    return (
        Route("GET", "/api/v1/trends", get_trends, "Which tags burst now.", Trends, asks=Asked, failures=LIMITED),
        Route(
            "GET",
            trend,
            get_trend,
            "A tag's stories over time, beside what was expected, and its bursts.",
            TagDetail,
            may_be_missing=True,
            failures=NAMED,
        ),
        Route("GET", "/api/v1/stories", get_stories, "The largest stories.", Stories, asks=Asked, failures=LIMITED),
        Route(
            "GET",
            document,
            get_story,
            "The story that a document belongs to.",
            StoryDetail,
            may_be_missing=True,
            failures=NO_ID,
        ),
    )


def alone(document_id: str) -> str:
    """Return the sentence for a document that is of no story."""
    return f"'{document_id}' is of no story: nobody has copied or rewritten it, or insights do not know it"


def trends(kept: Kept, limit: int, *, problem: str | None = None) -> Trends:
    at = kept.at
    return Trends(
        at_s=at and at.timestamp(),
        tags=kept.tags,
        bursting=[counts(history) for history in kept.bursting()[:limit]],
        ended=[burst(each) for each in kept.ended(limit)],
        problem=problem,
    )


def tag_detail(kept: Kept, history: TagHistory) -> TagDetail:
    return TagDetail(**dict(counts(history)), bursts=[burst(each) for each in kept.bursts(history.tag)[:MOST]])


def counts(history: TagHistory) -> Counts:
    return Counts(
        tag=history.tag,
        why=why_now(history),
        at_s=history.at.timestamp(),
        interval_s=history.interval_s,
        stories=list(history.stories),
        expected=list(history.expected),
        score=history.score,
        burst=history.burst and burst(history.burst),
    )


def burst(trend: TagTrend) -> Burst:
    return Burst(
        id=trend.burst_id,
        tag=trend.tag,
        event=trend.event,
        why=why(trend),
        started_at_s=trend.started_at.timestamp(),
        at_s=trend.at.timestamp(),
        window_s=trend.window_s,
        stories=trend.stories,
        documents=trend.documents,
        expected=trend.expected,
        score=trend.score,
        peak_stories=trend.peak_stories,
        peak_score=trend.peak_score,
        examples=[
            Example(id=each.id, title=each.title, source=each.source, at_s=each.at.timestamp())
            for each in trend.examples
        ],
    )


def stories(kept: Kept, limit: int, *, problem: str | None = None) -> Stories:
    return Stories(
        stories=[story_row(story) for story in kept.stories(limit)],
        story_count=kept.story_count,
        document_count=kept.document_count,
        problem=problem,
    )


def story_row(story: Story) -> StoryRow:
    return StoryRow(
        id=story.id,
        title=story.first.title,
        source=story.first.source,
        sources=len({member.source for member in story.members}),
        documents=story.documents,
        first_at_s=story.first.at.timestamp(),
        last_at_s=story.at.timestamp(),
    )


def story_detail(story: Story) -> StoryDetail:
    shown = story.members[:MOST_MEMBERS]
    return StoryDetail(
        **dict(story_row(story)), members=[member_row(member) for member in shown], is_more=story.documents > len(shown)
    )


def member_row(member: Member) -> MemberRow:
    return MemberRow(
        id=member.document_id,
        title=member.title,
        source=member.source,
        at_s=member.at.timestamp(),
        duplicate_of=member.duplicate_of,
        similarity=member.similarity,
        why=relation(member),
    )


async def _kept(view: View) -> Kept:
    await view.wanted()
    if view.state in {State.ABSENT, State.READING}:
        raise web.HTTPServiceUnavailable(text=view.problem)
    return view.kept


def _limit(request: web.Request) -> int:
    try:
        return Asked.model_validate(dict(request.query)).limit
    except ValidationError as error:
        raise web.HTTPBadRequest(text=explanation(error)) from None


def _checked(kind: TypeAdapter[str], value: str, name: str) -> str:
    try:
        return kind.validate_python(value)
    except ValidationError as error:
        (problem,) = error.errors()
        raise web.HTTPBadRequest(text=f"{name}: {problem['msg']}") from None


def _answer(model: BaseModel) -> web.Response:
    return web.Response(text=model.model_dump_json(), content_type="application/json")
