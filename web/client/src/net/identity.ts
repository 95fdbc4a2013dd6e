// The name under which this tab talks to the daemon; it must not outlive the tab.

const KEY = "bellflower.client";

function fresh(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function keep(id: string): string {
  try {
    sessionStorage.setItem(KEY, id);
  } catch {
    // Storage may be switched off: the name then lasts as long as the page.
  }
  return id;
}

export function clientId(): string {
  try {
    const kept = sessionStorage.getItem(KEY);
    if (kept) return kept;
  } catch {
    // As above.
  }
  return keep(fresh());
}

export function newClientId(): string {
  return keep(fresh());
}

/** A command id, unique for this client. */
export function commandId(): string {
  return fresh().slice(0, 20);
}
