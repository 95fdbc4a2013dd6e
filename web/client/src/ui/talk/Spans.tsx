// A message body as elements; it must never turn text into markup.
import type { Span } from "../../wire/types";
import { Picture } from "./Picture";

const SAFE = /^(https?|mailto|xmpp|ircs?):/i;
const COLOR = /^(#[0-9a-f]{3,8}|[a-z]{3,20}|rgba?\([\d\s.,%/]+\))$/i;

export function safeLink(link: string | null | undefined): string | null {
  if (!link) return null;
  const text = link.trim();
  return SAFE.test(text) ? text : null;
}

export function drawSpan(span: Span, key: number) {
  const link = safeLink(span.link);
  let body: preact.ComponentChildren = span.text;
  if (span.image) body = <Picture hash={span.image} text={span.text} linked={link !== null} />;
  const names = [span.bold && "b", span.italic && "i", span.underline && "u", span.strike && "s", span.code && "c", span.quote && "q"].filter(Boolean).map((name) => `sp-${name}`);
  if (link) {
    body = (
      <a href={link} target="_blank" rel="noopener noreferrer" class={names.join(" ")}>
        {body}
      </a>
    );
  } else if (span.code) body = <code class={names.join(" ")}>{body}</code>;
  else if (span.quote) body = <q class={names.join(" ")}>{body}</q>;
  else if (names.length > 0) body = <span class={names.join(" ")}>{body}</span>;
  // A colour of the sender's is a hint at most: mixed with the ink, so that it can be read on either theme.
  if (span.color && COLOR.test(span.color) && !link) body = <span class="sp-color" style={{ "--said": span.color }}>{body}</span>;
  return <span key={key}>{body}</span>;
}

export function Spans({ spans, text }: { spans: readonly Span[] | undefined; text?: string }) {
  if (!spans || spans.length === 0) return <>{text ?? ""}</>;
  return <>{spans.map(drawSpan)}</>;
}
