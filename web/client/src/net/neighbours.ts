// The tabs of this browser, by its channels and locks; it must not know what they are for.
import type { Channel, Neighbours } from "./tabs";

function open(name: string, hear: (message: unknown) => void): Channel {
  const channel = new BroadcastChannel(name);
  channel.onmessage = (message: MessageEvent<unknown>) => hear(message.data);
  return {
    post: (message) => channel.postMessage(message),
    close: () => {
      channel.onmessage = null;
      channel.close();
    },
  };
}

function lock(name: string, now: boolean, settled: (held: boolean) => void): () => void {
  const waiting = new AbortController();
  let left = false;
  let release = () => waiting.abort();
  const leave = () => {
    left = true;
    release();
  };
  // A browser that lets nobody ask says so by an error, and one that waits is told to stop by one.
  navigator.locks
    .request(name, now ? { ifAvailable: true } : { signal: waiting.signal }, (held) => {
      if (left) return undefined;
      settled(held !== null);
      if (held === null || left) return undefined;
      return new Promise<void>((settle) => (release = settle));
    })
    .catch(() => {
      if (!left) settled(false);
    });
  return leave;
}

/** What follows `prefix` in the names of the locks that are held. Null: nobody can say. */
export async function locked(prefix: string): Promise<ReadonlySet<string> | null> {
  try {
    const { held = [] } = await navigator.locks.query();
    return new Set(held.flatMap(({ name }) => (name?.startsWith(prefix) ? [name.slice(prefix.length)] : [])));
  } catch {
    return null;
  }
}

/** Null where tabs cannot meet: by plain HTTP from another host, and in old browsers. */
export const neighbours: Neighbours | null =
  typeof BroadcastChannel === "function" && typeof navigator.locks?.request === "function"
    ? { place: new URL(".", location.href).pathname, open, lock }
    : null;
