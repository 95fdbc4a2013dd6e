// The picture of a person or room, with the state as a shape; it must not know where the state comes from.
import { useState } from "preact/hooks";
import { media } from "../net";
import { toneOf } from "../state/names";
import type { Presence } from "../state/roster";
import { Icon } from "./icons";

function initials(name: string): string {
  const words = name.replace(/@.*/, "").split(/[\s._-]+/).filter(Boolean);
  const first = [...(words[0] ?? "?")][0] ?? "?";
  const last = words.length > 1 ? ([...(words.at(-1) ?? "")][0] ?? "") : "";
  return (first + last).toUpperCase();
}

/** State by shape and colour: disc, rounded square, diamond, ring. */
export function Dot({ presence }: { presence: Presence }) {
  return <i class={`dot dot-${presence}`} aria-hidden="true" />;
}

interface Props {
  name: string;
  /** The name on the network, which the colour is made from. */
  of?: string | undefined;
  icon?: string | null | undefined;
  presence?: Presence | null;
  room?: boolean;
  size?: number;
}

export function Avatar({ name, of, icon, presence, room, size = 32 }: Props) {
  const [broken, setBroken] = useState<string | null>(null);
  const style = { width: `${size}px`, height: `${size}px`, fontSize: `${Math.round(size * 0.38)}px`, background: room ? "var(--room)" : `var(--tone-${toneOf(of ?? name)})` };
  return (
    <span class="avatar" style={style} aria-hidden="true">
      {icon && broken !== icon ? <img src={media(icon)} alt="" loading="lazy" decoding="async" onError={() => setBroken(icon)} /> : room ? <Icon name="hash" size={Math.round(size * 0.55)} /> : initials(name)}
      {presence && <Dot presence={presence} />}
    </span>
  );
}
