// The picture of a person or room, with the state as a shape; it must not know where the state comes from.
import { useState } from "preact/hooks";
import { media } from "../net";
import type { Presence } from "../state/roster";
import { hue } from "./glyphs";
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

export function Avatar({ name, icon, presence, room, size = 32 }: { name: string; icon?: string | null | undefined; presence?: Presence | null; room?: boolean; size?: number }) {
  const [broken, setBroken] = useState<string | null>(null);
  const style = { width: `${size}px`, height: `${size}px`, fontSize: `${Math.round(size * 0.38)}px`, background: room ? "var(--room)" : hue(name) };
  return (
    <span class="avatar" style={style} aria-hidden="true">
      {icon && broken !== icon ? <img src={media(icon)} alt="" loading="lazy" decoding="async" onError={() => setBroken(icon)} /> : room ? <Icon name="hash" size={Math.round(size * 0.55)} /> : initials(name)}
      {presence && <Dot presence={presence} />}
    </span>
  );
}
