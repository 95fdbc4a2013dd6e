// A picture of a message as it is; it must not fetch anything but by its hash.
import { media } from "../../net";
import { w } from "../../words";
import { Dialog, openDialog } from "../Dialog";

export function pictureDialog(hash: string, words: string): void {
  const actions = <a class="button" href={media(hash)} target="_blank" rel="noopener noreferrer">{w.talk.pictureAlone}</a>;
  openDialog((close) => (
    <Dialog title={words} testid="picture-dialog" wide onClose={close} actions={actions}>
      <img class="whole-picture" src={media(hash)} alt={words} />
    </Dialog>
  ));
}
