// Which of the page's faces shows; it must not hold state.
import { announcement } from "../app/attention";
import { arriving } from "../app/session";
import { linkState, phase } from "../app/store";
import type { CallError } from "../net";
import { w } from "../words";
import { DialogHost, ToastHost } from "./Dialog";
import { RecoveryHost } from "./account/Recovery";
import { front, inside } from "./faces";
import { Logo } from "./icons";
import { parts } from "./later";
import { Stuck } from "./front/Stuck";
import { MenuHost } from "./Menu";

function Starting() {
  return <main class="front starting" aria-busy="true"><Logo size={64} /></main>;
}

function Face() {
  const account = arriving.value;
  const { kind } = phase.value;
  if (kind === "in" && !account) return inside.value ? <inside.value.Inside /> : <Starting />;
  if (kind === "starting" || !front.value) return <Starting />;
  return account ? <front.value.Arriving account={account} /> : <front.value.Front />;
}

export function App() {
  const { kind } = phase.value;
  const state = linkState.value;
  if (state.kind === "refused" || (kind === "starting" && state.kind === "offline" && state.error)) {
    return <Stuck error={state.error as CallError} stopped={state.kind === "refused"} />;
  }
  return (
    <>
      <Face />
      <RecoveryHost />
      {parts.value && <><parts.value.Prompts /><parts.value.EmojiHost /><parts.value.Tips /></>}
      <DialogHost />
      <MenuHost />
      <ToastHost />
      <div class="sr" role="log" aria-live="polite" aria-label={w.app}>{announcement.value}</div>
    </>
  );
}
