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

/** What has to be said of TLS beside a port: whoever names one alone is taken for somebody who has no TLS. */
export function besidePort(protocol: string, given: Readonly<Record<string, unknown>>, options: Options): Record<string, unknown> {
  const ports = PORTS[protocol];
  return ports && given["port"] !== undefined && given[ports.key] === undefined ? { [ports.key]: options[ports.key] } : {};
}

/** Whether these options leave TLS out where it is one box to tick. */
export const isPlain = (protocol: string, options: Options): boolean => PORTS[protocol]?.on === true && options[PORTS[protocol]?.key ?? ""] === false;
