// Draws a text by its light marks: signs around words stay, faint; quotes and blocks of code have a look instead of their signs. Does not change the text.
import { useMemo } from "preact/hooks";
import { marked, type Block, type Piece } from "../../state/marks";
import type { Span } from "../../wire/types";
import { drawSpan } from "./Spans";

function piece({ sign, ...span }: Piece, key: number) {
  return sign ? <span key={key} class={`sp-sign of-${sign}`}>{span.text}</span> : drawSpan(span, key);
}

function draw(block: Block, key: number): preact.JSX.Element {
  switch (block.kind) {
    case "quote":
      return <q key={key} class="sp-quote" dir="auto">{block.blocks.map(draw)}</q>;
    case "code":
      // The box goes around all lines, and not around each.
      return <code key={key} class="sp-block" dir="ltr">{block.pieces.map(({ code, ...rest }, at) => piece(rest, at))}</code>;
    case "text":
      return <span key={key}>{block.pieces.map(piece)}</span>;
  }
}

export function Marked({ spans, text }: { spans: readonly Span[] | undefined; text: string }) {
  const blocks = useMemo(() => marked(spans && spans.length > 0 ? spans : [{ text }]), [spans, text]);
  return <>{blocks.map(draw)}</>;
}
