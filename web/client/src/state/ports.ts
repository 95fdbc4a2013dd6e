// The ports that go with TLS, so that the box of the port follows the box of TLS; pure. The daemon knows the same (`bridge`, account/port.rs).
type Options = Readonly<Record<string, string | boolean>>;

interface Ports { key: string; on: string | boolean; secure: string; plain: string }

const PORTS: Readonly<Record<string, Ports>> = {
  "prpl-irc": { key: "ssl", on: true, secure: "6697", plain: "6667" },
  "prpl-jabber": { key: "connection_security", on: "old_ssl", secure: "5223", plain: "5222" },
};

/** The options with one of them changed; the port moves along unless it is one of the user's own. */
export function changed(protocol: string, options: Options, key: string, value: string | boolean): Record<string, string | boolean> {
  const next = { ...options, [key]: value };
  const ports = PORTS[protocol];
  if (ports?.key !== key) return next;
  const [was, is] = [options[key] === ports.on, value === ports.on];
  if (was !== is && options["port"] === (was ? ports.secure : ports.plain)) next["port"] = is ? ports.secure : ports.plain;
  return next;
}

/** The TLS option that a port needs beside it: a port alone means no TLS. */
export function besidePort(protocol: string, given: Readonly<Record<string, unknown>>, options: Options): Record<string, unknown> {
  const ports = PORTS[protocol];
  return ports && given["port"] !== undefined && given[ports.key] === undefined ? { [ports.key]: options[ports.key] } : {};
}

/** Options in their order, with that of TLS first: it says how all the others travel. */
export function ordered<T extends { key: string }>(protocol: string, options: readonly T[]): T[] {
  const key = PORTS[protocol]?.key;
  return [...options.filter((one) => one.key === key), ...options.filter((one) => one.key !== key)];
}

/** Whether these options leave TLS out where it is one box to tick. */
export const isPlain = (protocol: string, options: Options): boolean => PORTS[protocol]?.on === true && options[PORTS[protocol]?.key ?? ""] === false;
