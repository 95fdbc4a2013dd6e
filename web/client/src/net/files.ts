// Files to and from the daemon, on connections of their own; it must not choose which goes when.
import type { Uploaded } from "../wire/types";
import { CallError, urlOf } from "./http";

/** Where the bytes of an incoming file are. */
export const transferUrl = (id: string): string => urlOf("transfers/" + encodeURIComponent(id));

/** Uploads a file that is to be sent. `sent` hears how many bytes have left. */
export function sendFile(file: File, sent: (bytes: number) => void, signal: AbortSignal): Promise<Uploaded> {
  return new Promise((done, failed) => {
    // fetch tells nothing of what it has sent.
    const call = new XMLHttpRequest();
    const none = (code: string) => failed(new CallError(0, { code, message: "" }));
    call.open("POST", urlOf("uploads"));
    call.setRequestHeader("Content-Type", "application/octet-stream");
    call.setRequestHeader("X-Filename", encodeURIComponent(file.name));
    call.upload.onprogress = (event) => sent(event.loaded);
    call.onerror = () => none("no_answer");
    call.onabort = () => none("aborted");
    call.onload = () => {
      try {
        const answer = JSON.parse(call.responseText) as Uploaded & { error?: { code: string; message: string } };
        if (call.status < 300) return done(answer);
        if (answer.error) return failed(new CallError(call.status, answer.error));
      } catch {
        // A proxy in between answers with a page of its own.
      }
      failed(new CallError(call.status, { code: `http_${call.status}`, message: call.statusText }));
    };
    signal.addEventListener("abort", () => call.abort());
    if (signal.aborted) return none("aborted");
    call.send(file);
  });
}

/** Fetches an incoming file whole. */
export async function fetchFile(id: string): Promise<Blob> {
  const answer = await fetch(transferUrl(id), { credentials: "same-origin", cache: "no-store" });
  if (!answer.ok) throw new CallError(answer.status, { code: `http_${answer.status}`, message: answer.statusText });
  return answer.blob();
}
