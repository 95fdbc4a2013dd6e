// The server's time of day, whatever this computer's clock says; it must not ask for it.

/** The server's time, and the time since this page began at which it was told. */
let told: { server: number; at: number } | null = null;

/** An attach says what time it is. */
export function setServerTime(time: string | undefined): void {
  const server = Date.parse(time ?? "");
  told = Number.isNaN(server) ? null : { server, at: performance.now() };
}

/** An event says what time it was. A page that slept is behind, one that is told late is not. */
export function hearServerTime(time: string): void {
  const server = Date.parse(time);
  if (told && server > serverNow()) told = { server, at: performance.now() };
}

/** Milliseconds since 1970, by the server's clock. */
export const serverNow = (): number => (told ? told.server + performance.now() - told.at : Date.now());
