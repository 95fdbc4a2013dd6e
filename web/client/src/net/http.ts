// One-shot calls to the daemon as JSON with its errors as values of one class; it must not retry or keep state.
import type { WireError } from "../wire/types";
import { isAway } from "./away";
import type { Reader } from "./stream";

const BASE = "api/v1/";

/** Of the 4xx, those that may be over in a moment: too slow, too early, too many. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429]);

/** Characters of a body that may outlive the page. */
const KEEPALIVE = 16_000;

/** What went wrong with a call: `status` 0 means that no answer came at all. */
export class CallError extends Error {
  readonly status: number;
  readonly code: string;
  readonly field: string | null;
  readonly retryMs: number | null;

  constructor(status: number, error: WireError) {
    super(error.message);
    this.status = status;
    this.code = error.code;
    this.field = error.field ?? null;
    this.retryMs = error.retry_ms ?? null;
  }

  /** The daemon no longer knows the session, or no longer knows this client. */
  get disowns(): boolean {
    return this.status === 401 || this.status === 410 || this.code === "no_such_client";
  }

  /** Asked again, it would be answered the same: only somebody who mends what stands between can change that. */
  get refuses(): boolean {
    return this.status >= 400 && this.status < 500 && !this.disowns && !PASSING.has(this.status);
  }
}

export function urlOf(path: string, query?: Record<string, string | number | undefined>): string {
  const pairs = Object.entries(query ?? {}).filter(([, value]) => value !== undefined && value !== "");
  const text = pairs.map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(String(value))}`).join("&");
  return BASE + path + (text ? `?${text}` : "");
}

async function failureOf(answer: Response): Promise<CallError> {
  try {
    const body = (await answer.json()) as { error?: WireError };
    if (body.error && typeof body.error.code === "string") return new CallError(answer.status, body.error);
  } catch {
    // A proxy in between answers with a page of its own: the status is all there is to go by.
  }
  return new CallError(answer.status, { code: "http_" + answer.status, message: answer.statusText });
}

async function ask(path: string, init: RequestInit): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(path, { credentials: "same-origin", cache: "no-store", ...init });
  } catch (cause) {
    throw new CallError(0, { code: init.signal?.aborted ? "aborted" : "no_answer", message: String(cause) });
  }
  if (!answer.ok) throw await failureOf(answer);
  return answer;
}

/** Calls `path` below the API; throws CallError. `body` given means POST. */
export async function call<T>(path: string, init: { body?: unknown; method?: string; headers?: Record<string, string>; signal?: AbortSignal } = {}): Promise<T> {
  const raw = init.body instanceof Blob;
  const headers: Record<string, string> = { Accept: "application/json", ...init.headers };
  const method = init.method ?? (init.body === undefined ? "GET" : "POST");
  if (method !== "GET" && !raw) headers["Content-Type"] = "application/json";
  const body = raw ? (init.body as Blob) : method === "GET" ? null : JSON.stringify(init.body ?? {});
  const answer = await ask(path, {
    method,
    headers,
    signal: init.signal ?? null,
    body,
    // What a page says when it is put away is to arrive though it is closed then. Browsers take little that way.
    keepalive: typeof body === "string" && body.length < KEEPALIVE && isAway(),
  });
  if (answer.status === 204) return undefined as T;
  try {
    return (await answer.json()) as T;
  } catch (cause) {
    throw new CallError(0, { code: init.signal?.aborted ? "aborted" : "bad_answer", message: String(cause) });
  }
}

/** Whether bodies can be read as they come. */
export const canStream = typeof ReadableStream === "function" && typeof Response === "function" && "body" in Response.prototype;

/** Opens a stream below the API; throws CallError, also when somebody in between answers with something else. */
export async function open(path: string, signal: AbortSignal): Promise<Reader> {
  const answer = await ask(path, { headers: { Accept: "text/event-stream" }, signal });
  const reader = answer.body?.getReader();
  if (!reader || !answer.headers.get("Content-Type")?.startsWith("text/event-stream")) {
    void reader?.cancel().catch(() => undefined);
    throw new CallError(answer.status, { code: "bad_answer", message: "This is no stream." });
  }
  return { read: async () => (await reader.read()).value ?? null };
}
