"""Imitations of the batch APIs of OpenAI, Azure, Anthropic and Gemini."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from email import message_from_bytes
from typing import Any

from tests.backends.jobs.imitation import PAGE, Imitation, Job, Request, Said, send
from tests.backends.servers import Act, reply

USAGE = {"input": 1000, "output": 50}
CHAT_STOPS = {"truncated": "length"}
# What the providers answer when a job may hold what was answered before it ended early.
missing = reply(404, json.dumps({"error": {"message": "there is no such thing"}}))


class OpenAI(Imitation):
    """OpenAI's Batch API, for chat completions."""

    provider = "openai"
    prefix = "/v1"
    states = ("validating", "in_progress", "finalizing", "completed")
    broken_off = ("validating", "in_progress", "expired")
    lost = ("validating", "failed")
    create = r"POST .*/batches$"
    upload = r"POST .*/files$"
    endpoint = "/v1/chat/completions"

    def __init__(self) -> None:
        super().__init__()
        self.clock = time.time

    def is_known(self, headers: dict[str, str]) -> bool:
        return headers.get("authorization", "").startswith("Bearer sk-")

    def respond(self, request: Request) -> Act:
        assert request.path.startswith(self.prefix)
        match [request.method, *request.path.removeprefix(self.prefix).strip("/").split("/")]:
            case ["POST", "files"]:
                return self._keep(request)
            case ["GET", "files", name]:
                return send({"id": name, "object": "file", "status": "processed"})
            case ["GET", "files", name, "content"]:
                return reply(200, self.files[name]) if name in self.files else missing
            case ["POST", "batches"]:
                return send(self.shown(self._begun(request.json)))
            case ["GET", "batches"]:
                return self._listed(request)
            case ["GET", "batches", name] if name in self.jobs:
                shown = self.shown(self.jobs[name])
                self.jobs[name].looks += 1
                return send(shown)
            case ["POST", "batches", name, "cancel"] if name in self.jobs:
                self.jobs[name].states = ("cancelling", "cancelled")
                self.jobs[name].looks = 0
                return send(self.shown(self.jobs[name]))
        return missing

    def shown(self, job: Job) -> dict[str, Any]:
        """The batch object."""
        state, files = job.state, {"output_file_id": None, "error_file_id": ""}
        if state in ("completed", "expired", "cancelled"):
            for name, kinds in (
                ("output", {"answer", "truncated", "refused"}),
                ("error", {"error", "unreached", "damaged"}),
            ):
                lines = self.results(job, kinds)
                if lines:
                    files[f"{name}_file_id"] = f"file-{name}-{job.id}"
                    self.files.setdefault(f"file-{name}-{job.id}", lines)
        failed = {"object": "list", "data": [{"code": "invalid_json", "message": "bad line 1"}]}
        return {
            "id": job.id,
            "object": "batch",
            "endpoint": self.endpoint,
            "errors": failed if state == "failed" else None,
            "status": state,
            "created_at": int(job.created),
            "request_counts": {"total": len(job.questions), "completed": 1, "failed": 0},
            "metadata": {"gadet": job.tag},
            **files,
        }

    def line(self, custom_id: str, said: Said) -> dict[str, Any]:
        response, error = None, None
        if said.kind == "unreached":
            error = {"code": "batch_expired", "message": said.text}
        else:
            failed = {"error": {"message": said.text, "type": said.type, "code": None}}
            body = failed if said.kind == "error" else self.completion(said)
            response = {"status_code": said.status, "request_id": "req_9", "body": body}
        return {"id": "batch_req_1", "custom_id": custom_id, "response": response, "error": error}

    def completion(self, said: Said) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": said.text, "refusal": None}
        if said.kind == "refused":
            message |= {"content": None, "refusal": said.text}
        return {
            "id": "chatcmpl-1",
            "model": "m-2026",
            "choices": [{"message": message, "finish_reason": CHAT_STOPS.get(said.kind, "stop")}],
            "usage": {"prompt_tokens": USAGE["input"], "completion_tokens": USAGE["output"]},
        }

    def _keep(self, request: Request) -> Act:
        head = f"content-type: {request.headers['content-type']}\n\n".encode()
        form = message_from_bytes(head + request.body)
        parts = {
            part.get_param("name", header="content-disposition"): part
            for part in form.get_payload()
        }  # type: ignore[union-attr]
        assert parts["purpose"].get_payload().strip() == "batch"
        assert parts["file"].get_filename().endswith(".jsonl")
        name = f"file-{len(self.files)}"
        self.files[name] = parts["file"].get_payload(decode=True)
        return send({"id": name, "object": "file", "purpose": "batch", "status": "processed"})

    def _begun(self, asked: dict[str, Any]) -> Job:
        assert asked["completion_window"] == "24h"
        assert asked["endpoint"] == self.endpoint
        lines = [json.loads(line) for line in self.files[asked["input_file_id"]].splitlines()]
        assert {(line["method"], line["url"]) for line in lines} == {("POST", self.endpoint)}
        questions = [(line["custom_id"], line["body"]) for line in lines]
        return self.accept(f"batch_{len(self.jobs)}", asked["metadata"]["gadet"], questions)

    def _listed(self, request: Request) -> Act:
        jobs = [self.shown(job) for job in self.newest()]
        ids = [job["id"] for job in jobs]
        start = ids.index(request.query["after"]) + 1 if "after" in request.query else 0
        page = jobs[start : start + PAGE]
        last = page[-1]["id"] if page else None
        return send({"data": page, "last_id": last, "has_more": start + PAGE < len(jobs)})


class Responses(OpenAI):
    """OpenAI's Batch API, for Responses."""

    provider = "openai-responses"
    endpoint = "/v1/responses"

    def completion(self, said: Said) -> dict[str, Any]:
        part: dict[str, Any] = {"type": "output_text", "text": said.text}
        if said.kind == "refused":
            part = {"type": "refusal", "refusal": said.text}
        cut = said.kind == "truncated"
        return {
            "id": "resp_1",
            "status": "incomplete" if cut else "completed",
            "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
            "output": [{"type": "message", "content": [part]}],
            "usage": {"input_tokens": USAGE["input"], "output_tokens": USAGE["output"]},
        }


class Azure(OpenAI):
    """Azure's, which writes states in capitals and takes a while to take in a file."""

    provider = "azure"
    prefix = "/openai/v1"

    def is_known(self, headers: dict[str, str]) -> bool:
        return headers.get("api-key", "").startswith("sk-")

    def shown(self, job: Job) -> dict[str, Any]:
        shown = super().shown(job)
        return {**shown, "status": shown["status"].title(), "created_at": "2026-11-20T01:02:03Z"}


class Anthropic(Imitation):
    """Anthropic's Message Batches."""

    provider = "anthropic"
    states = ("in_progress", "in_progress", "ended")
    create = r"POST /v1/messages/batches$"
    upload = create

    def __init__(self) -> None:
        super().__init__()
        self.clock = time.time

    def is_known(self, headers: dict[str, str]) -> bool:
        assert headers["anthropic-version"] == "2023-06-01"
        return headers.get("x-api-key", "").startswith("sk-")

    def respond(self, request: Request) -> Act:
        match [request.method, *request.path.removeprefix("/v1/messages/batches").split("/")[1:]]:
            case ["POST"]:
                lines = request.json["requests"]
                questions = [(line["custom_id"], line["params"]) for line in lines]
                return send(self.shown(self.accept(f"msgbatch_{len(self.jobs)}", "", questions)))
            case ["GET"]:
                return self._listed(request)
            case ["GET", name] if name in self.jobs:
                shown = self.shown(self.jobs[name])
                self.jobs[name].looks += 1
                return send(shown)
            case ["GET", name, "results"] if name in self.jobs:
                if self.jobs[name].state != "ended":
                    return missing
                return reply(200, self.results(self.jobs[name]))
            case ["POST", name, "cancel"] if name in self.jobs:
                self.jobs[name].states, self.jobs[name].looks = ("canceling", "ended"), 0
                return send(self.shown(self.jobs[name]))
        return missing

    def shown(self, job: Job) -> dict[str, Any]:
        """The batch object."""
        ended = job.state == "ended"
        counts = dict.fromkeys(("canceled", "errored", "expired", "processing", "succeeded"), 0)
        counts["succeeded" if ended else "processing"] = len(job.questions)
        created = datetime.fromtimestamp(job.created, UTC).isoformat().replace("+00:00", "Z")
        place = f"{self.root}/v1/messages/batches/{job.id}/results"
        return {
            "id": job.id,
            "type": "message_batch",
            "archived_at": None,
            "created_at": created,
            "processing_status": job.state,
            "request_counts": counts,
            "results_url": place if ended else None,
        }

    def line(self, custom_id: str, said: Said) -> dict[str, Any]:
        result: dict[str, Any] = {"type": "succeeded", "message": self.completion(said)}
        if said.kind == "unreached":
            result = {"type": "expired"}
        elif said.kind == "error":
            error = {"type": said.type, "message": said.text}
            result = {
                "type": "errored",
                "error": {"type": "error", "error": error, "request_id": "req_9"},
            }
        return {"custom_id": custom_id, "result": result}

    def completion(self, said: Said) -> dict[str, Any]:
        stops = {"truncated": "max_tokens", "refused": "refusal"}
        details = {"type": "refusal", "category": "bio", "explanation": said.text}
        refused = said.kind == "refused"
        return {
            "id": "msg_1",
            "type": "message",
            "model": "m-2026",
            "content": [] if refused else [{"type": "text", "text": said.text}],
            "stop_reason": stops.get(said.kind, "end_turn"),
            "stop_details": details if refused else None,
            "usage": {"input_tokens": USAGE["input"], "output_tokens": USAGE["output"]},
        }

    def _listed(self, request: Request) -> Act:
        jobs = [self.shown(job) for job in self.newest()]
        ids = [job["id"] for job in jobs]
        start = ids.index(request.query["after_id"]) + 1 if "after_id" in request.query else 0
        page = jobs[start : start + PAGE]
        last = page[-1]["id"] if page else None
        return send({"data": page, "last_id": last, "has_more": start + PAGE < len(jobs)})


class Gemini(Imitation):
    """Gemini's Batch API with its Files API."""

    provider = "gemini"
    states = ("BATCH_STATE_PENDING", "BATCH_STATE_RUNNING", "BATCH_STATE_SUCCEEDED")
    lost = ("BATCH_STATE_PENDING", "BATCH_STATE_FAILED")
    create = r"POST .*:batchGenerateContent$"
    upload = r"POST /upload/session"

    def __init__(self) -> None:
        super().__init__()
        self.clock = time.time
        self.has_file = True
        self.file_states = ["ACTIVE"]

    def is_known(self, headers: dict[str, str]) -> bool:
        return headers.get("x-goog-api-key", "").startswith("sk-")

    def respond(self, request: Request) -> Act:
        match [request.method, *request.path.strip("/").split("/")]:
            case ["POST", "upload", "v1beta", "files"]:
                assert request.headers["x-goog-upload-command"] == "start"
                assert request.headers["x-goog-upload-protocol"] == "resumable"
                size = request.headers["x-goog-upload-header-content-length"]
                session = f"{self.root}/upload/session?upload_id={size}&upload_protocol=resumable"
                return send({}, x_goog_upload_url=session)
            case ["POST", "upload", "session"]:
                assert request.headers["x-goog-upload-command"] == "upload, finalize"
                assert request.query["upload_id"] == str(len(request.body))
                name = f"files/f{len(self.files)}"
                self.files[name] = request.body
                return send({"file": {"name": name, "state": self.file_states[0]}})
            case ["GET", "v1beta", "files", name]:
                if len(self.file_states) > 1:
                    self.file_states.pop(0)
                return send({"name": f"files/{name}", "state": self.file_states[0]})
            case ["POST", "v1beta", "models", "m:batchGenerateContent"]:
                return send(self.shown(self._begun(request.json["batch"])))
            case ["GET", "v1beta", "batches"]:
                return self._listed(request)
            case ["GET", "v1beta", "batches", name] if f"batches/{name}" in self.jobs:
                job = self.jobs[f"batches/{name}"]
                shown = self.shown(job)
                job.looks += 1
                return send(shown)
            case ["POST", "v1beta", "batches", name] if name.endswith(":cancel"):
                job = self.jobs[f"batches/{name.removesuffix(':cancel')}"]
                job.states, job.looks = ("BATCH_STATE_CANCELLED",), 0
                return send({})
            case ["GET", "download", "v1beta", "files", name] if name.endswith(":download"):
                assert request.query == {"alt": "media"}
                file = self.files.get(f"files/{name.removesuffix(':download')}")
                return missing if file is None else reply(200, file)
        return missing

    def shown(self, job: Job) -> dict[str, Any]:
        """The operation."""
        state = job.state
        total = str(len(job.questions))
        about: dict[str, Any] = {
            "displayName": job.tag,
            "state": state,
            "endTime": datetime.fromtimestamp(job.created, UTC).isoformat(),
            "batchStats": {"requestCount": total, "pendingRequestCount": total},
        }
        shown: dict[str, Any] = {"name": job.id, "metadata": about}
        if state.endswith("SUCCEEDED") and self.has_file:
            name = f"files/batch-{job.id.rpartition('/')[2]}"
            self.files.setdefault(name, self.results(job))
            shown |= {"done": True, "response": {"responsesFile": name}}
            about["output"] = {"responsesFile": name}
        if state.endswith("FAILED"):
            shown |= {"done": True, "error": {"code": 3, "message": "bad line 1"}}
        return shown

    def line(self, custom_id: str, said: Said) -> dict[str, Any]:
        if said.kind in ("error", "unreached"):
            codes = {400: 3, 429: 8, 500: 13, 503: 14}
            code = 1 if said.kind == "unreached" else codes[said.status]
            return {"key": custom_id, "error": {"code": code, "message": said.text}}
        return {"key": custom_id, "response": self.completion(said)}

    def completion(self, said: Said) -> dict[str, Any]:
        usage = {"promptTokenCount": USAGE["input"], "candidatesTokenCount": USAGE["output"]}
        if said.kind == "refused":
            reason = {"blockReason": "SAFETY", "blockReasonMessage": said.text}
            return {"promptFeedback": reason, "usageMetadata": usage}
        stop = "MAX_TOKENS" if said.kind == "truncated" else "STOP"
        content = {"role": "model", "parts": [{"text": said.text}]}
        return {
            "candidates": [{"content": content, "finishReason": stop}],
            "usageMetadata": usage,
            "modelVersion": "m-2026",
        }

    def _begun(self, batch: dict[str, Any]) -> Job:
        lines = self.files[batch["inputConfig"]["fileName"]].splitlines()
        questions = [(line["key"], line["request"]) for line in map(json.loads, lines)]
        return self.accept(f"batches/b{len(self.jobs)}", batch["displayName"], questions)

    def _listed(self, request: Request) -> Act:
        start = int(request.query.get("pageToken", 0))
        page = [self.shown(job) for job in self.newest()[start : start + PAGE]]
        more = {"nextPageToken": str(start + PAGE)} if start + PAGE < len(self.jobs) else {}
        return send({"operations": page, **more})
