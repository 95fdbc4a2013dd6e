// A picture in a text: bounded in its line, whole in a dialog, its words where it cannot be shown. It must not fetch anything but by a hash.
import { useSignal } from "@preact/signals";
import { media } from "../../net";
import { w } from "../../words";
import { pictureDialog } from "../later";

/** What the daemon writes for a picture without words. */
const NAMELESS = "[image]";
/** Higher or wider than this, in pixels, a picture has lines of its own. */
const INLINE = 48;

/** `linked`: stands in a link, whose press is the link's. */
export function Picture({ hash, text, linked }: { hash: string; text: string; linked: boolean }) {
  const words = text === "" || text === NAMELESS ? w.picture : text;
  const gone = useSignal(false);
  const large = useSignal(false);
  if (gone.value) return <>{text || words}</>;
  const picture = (
    <img
      class={large.value ? "span-image large" : "span-image"}
      src={media(hash)}
      alt={words}
      title={words}
      loading="lazy"
      data-testid="picture"
      onLoad={(event) => { large.value = Math.max(event.currentTarget.naturalWidth, event.currentTarget.naturalHeight) > INLINE; }}
      onError={() => { gone.value = true; }}
    />
  );
  if (linked) return picture;
  return <button type="button" class="picture" data-testid="picture-open" aria-label={w.talk.pictureOpen(words)} onClick={() => pictureDialog(hash, words)}>{picture}</button>;
}
