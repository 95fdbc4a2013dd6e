// Files on their way: what waits for its turn, what was received; one upload and one download at a time, so that commands never wait behind them. It
// must not draw.
import { signal } from "@preact/signals";
import { CallError } from "../net";
import { fetchFile, sendFile, transferUrl } from "../net/files";
import type { Transfer, WireEvent } from "../wire/types";
import { command, model, onEvents, tell } from "./store";

/** A file that this tab sends. */
export interface Upload {
  id: number;
  conversation: string;
  name: string;
  size: number;
  sent: number;
  state: "waiting" | "uploading" | "failed";
  error: unknown;
}

/** An incoming file after its end, as long as it is shown. */
export interface Received {
  transfer: Transfer;
  /** A picture's address in this page; null: the browser has saved it. */
  picture: string | null;
  state: string;
}

/** Larger pictures are saved and not shown: bytes. */
const MOST_SHOWN = 10_000_000;
const PICTURE = /\.(png|gif|jpe?g|webp)$/i;

export const uploads = signal<readonly Upload[]>([]);
export const received = signal<readonly Received[]>([]);
/** Incoming files that this tab wants, the first of which is on its way. */
export const wanted = signal<readonly string[]>([]);

const files = new Map<number, File>();
let last = 0;
let current: { id: number; stop: AbortController } | null = null;

const change = (id: number, to: Partial<Upload>): void => {
  uploads.value = uploads.value.map((one) => (one.id === id ? { ...one, ...to } : one));
};

/** Sends files, one after the other. */
export function sendFiles(conversation: string, list: readonly File[]): void {
  for (const file of list) {
    const id = ++last;
    files.set(id, file);
    uploads.value = [...uploads.value, { id, conversation, name: file.name, size: file.size, sent: 0, state: "waiting", error: null }];
  }
  void next();
}

/** Takes one back, or away when it has failed. */
export function dropUpload(id: number): void {
  files.delete(id);
  uploads.value = uploads.value.filter((one) => one.id !== id);
  if (current?.id === id) current.stop.abort();
}

async function next(): Promise<void> {
  const one = current ? undefined : uploads.value.find((upload) => upload.state === "waiting");
  const file = one && files.get(one.id);
  if (!one || !file) return;
  const stop = new AbortController();
  current = { id: one.id, stop };
  change(one.id, { state: "uploading" });
  try {
    const { upload } = await sendFile(file, (sent) => change(one.id, { sent: Math.min(sent, one.size) }), stop.signal);
    await command("transfer.send", { conversation: one.conversation, upload });
    // From here on it is a transfer.
    dropUpload(one.id);
  } catch (error) {
    change(one.id, { state: "failed", error });
  }
  current = null;
  void next();
}

const isPicture = (transfer: Transfer): boolean => PICTURE.test(transfer.name) && transfer.size != null && transfer.size <= MOST_SHOWN;

/** Accepts an offered file, once it is its turn. */
export function acceptFile(id: string): void {
  if (wanted.value.includes(id)) return;
  wanted.value = [...wanted.value, id];
  if (wanted.value.length === 1) void fetchFirst();
}

export function cancelFile(id: string): void {
  // The one on its way ends with its transfer.
  if (wanted.value.indexOf(id) > 0) wanted.value = wanted.value.filter((one) => one !== id);
  tell("transfer.cancel", { transfer: id });
}

export function forgetReceived(id: string): void {
  const one = received.value.find((other) => other.transfer.id === id);
  if (one?.picture) URL.revokeObjectURL(one.picture);
  received.value = received.value.filter((other) => other !== one);
}

/** Called with the end of a transfer, by its id. */
const endings = new Map<string, (state: string) => void>();

onEvents((events: readonly WireEvent[]) => {
  for (const event of events) {
    if (event.type !== "transfer.closed") continue;
    const id = String(event["transfer"]);
    endings.get(id)?.(String(event["state"]));
    endings.delete(id);
    wanted.value = wanted.value.filter((one, at) => at === 0 || one !== id);
  }
});

async function fetchFirst(): Promise<void> {
  const [id] = wanted.value;
  if (id === undefined) return;
  const ended = new Promise<string>((done) => endings.set(id, done));
  try {
    await command("transfer.accept", { transfer: id });
    const transfer = model.value?.transfers.get(id);
    if (transfer) await take(transfer, ended);
  } catch (error) {
    // Gone meanwhile: its end has been told.
    if (!(error instanceof CallError)) endings.delete(id);
  }
  wanted.value = wanted.value.filter((one) => one !== id);
  void fetchFirst();
}

async function take(transfer: Transfer, ended: Promise<string>): Promise<void> {
  if (!isPicture(transfer)) {
    save(transferUrl(transfer.id), transfer.name);
    const state = await ended;
    received.value = [...received.value, { transfer, picture: null, state }];
    return;
  }
  try {
    const blob = await fetchFile(transfer.id);
    // A file of none of the four kinds has no type that is drawn.
    const picture = URL.createObjectURL(blob);
    received.value = [...received.value, { transfer, picture, state: await ended }];
  } catch {
    received.value = [...received.value, { transfer, picture: null, state: "failed" }];
  }
}

/** Has the browser save what is at an address of this page. */
export function save(url: string, name: string): void {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.hidden = true;
  document.body.append(link);
  link.click();
  link.remove();
}
