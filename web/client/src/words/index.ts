// Chooses the language of the page; it must not hold words.
import { signal } from "@preact/signals";
import { en } from "./en";

export const w = en;

/** How hours are written: as the system does, or up to 12 or 24. */
const hours = signal<"system" | "12" | "24">("system");

export function setHours(how: "system" | "12" | "24"): void {
  hours.value = how;
}

/** The time of day, as its reader chose; whoever draws it draws it anew when that changes. */
export function clock(time: string | number): string {
  const how = hours.value;
  const cycle: Intl.DateTimeFormatOptions = how === "system" ? {} : { hourCycle: how === "12" ? "h12" : "h23" };
  return new Date(time).toLocaleTimeString(undefined, { hour: how === "24" ? "2-digit" : "numeric", minute: "2-digit", ...cycle });
}

const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

/** The moment as exactly as it is known. */
export function fullTime(time: string): string {
  const at = Date.parse(time);
  return Number.isNaN(at) ? "" : FULL.format(at);
}

const midnight = (date: Date): number => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();

/** "Today", "Yesterday" or the date. */
export function dayName(time: string, now: number): string {
  const days = Math.round((midnight(new Date(now)) - midnight(new Date(time))) / 86_400_000);
  if (days === 0) return w.talk.today;
  if (days === 1) return w.talk.yesterday;
  const options: Intl.DateTimeFormatOptions = { weekday: "long", day: "numeric", month: "long" };
  if (new Date(time).getFullYear() !== new Date(now).getFullYear()) options.year = "numeric";
  return new Date(time).toLocaleDateString(undefined, options);
}

const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

/** When something was last said: the time of a message of today, else the day. */
export function when(time: string, now: number): string {
  const days = Math.round((midnight(new Date(now)) - midnight(new Date(time))) / 86_400_000);
  return days === 0 ? clock(time) : days === 1 ? w.talk.yesterday : DAY.format(new Date(time));
}

/** A short length of time: "45 s", "24 min", "3 h", "2 d". */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** What to say about a failed call or command. */
export function errorText(error: unknown): string {
  const { code, message, retryMs } = (error ?? {}) as { code?: string; message?: string; retryMs?: number | null };
  const [, status] = /^http_(\d+)$/.exec(code ?? "") ?? [];
  let text = (code !== undefined && w.errors[code]) || (status && w.httpError(status)) || message || w.anyError;
  if (retryMs) text += " " + w.waitSeconds(Math.ceil(retryMs / 1000));
  return text;
}

/** Codes of the daemon itself, whose words here are all there is to say; behind others stands what the network said. */
const OWN_CODES: ReadonlySet<string> = new Set(["restarting", "not_registered", "protocol_disabled", "wrong_password"]);

/** What libpurple says when it has nothing to say. */
const EMPTY_WORDS: ReadonlySet<string> = new Set(["unable to connect", "connection failed", "connect to server failed"]);

export function accountErrorText(error: { code: string; message: string } | null | undefined): string {
  if (!error) return "";
  const known = w.accountErrors[error.code];
  const told = error.message.trim();
  const said = OWN_CODES.has(error.code) || EMPTY_WORDS.has(told.toLowerCase().replace(/\.$/, "")) ? "" : told;
  if (!known) return said || w.anyError;
  // A sentence of the daemon's own says more than that the server is out of reach.
  if (error.code === "network" && said.endsWith(".")) return said;
  return said && !known.toLowerCase().includes(said.toLowerCase()) ? `${known} (${said})` : known;
}

/** A moment in a few words: the time of day, with the date unless that is today. */
export function moment(time: string, now: number): string {
  const day = midnight(new Date(now)) === midnight(new Date(time)) ? "" : `${date(time)}, `;
  return day + clock(time);
}

export const date = (time: string): string => new Date(time).toLocaleDateString(undefined, { day: "numeric", month: "long", year: "numeric" });

/** "3 min ago", "2 d ago". */
export function ago(time: string, now: number): string {
  const ms = now - Date.parse(time);
  return ms < 60_000 ? w.justNow : w.ago(span(ms));
}

const UNITS = ["B", "KB", "MB", "GB", "TB"];

export function bytes(n: number): string {
  let unit = 0;
  while (n >= 1000 && unit < UNITS.length - 1) {
    n /= 1000;
    unit++;
  }
  return `${n.toLocaleString(undefined, { maximumFractionDigits: n < 10 && unit > 0 ? 1 : 0 })} ${UNITS[unit]}`;
}
