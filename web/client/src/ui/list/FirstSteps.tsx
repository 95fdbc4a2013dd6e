// What one can begin with where nothing shows yet: write to somebody, join a room, add a network; it must not do it itself.
import { accounts } from "../../app/store";
import { w } from "../../words";
import { Icon, Logo, type IconName } from "../icons";
import { addAccountDialog, joinDialog, newMessageDialog } from "../later";

interface Step { icon: IconName; title: string; lead: string; testid: string; needs: boolean; run(): void }

const STEPS: readonly Step[] = [
  { icon: "chat", title: w.desk.stepWrite, lead: w.desk.stepWriteLead, testid: "step-write", needs: true, run: newMessageDialog },
  { icon: "hash", title: w.desk.stepRoom, lead: w.desk.stepRoomLead, testid: "step-room", needs: true, run: () => joinDialog() },
  { icon: "plus", title: w.desk.stepNetwork, lead: w.desk.stepNetworkLead, testid: "step-network", needs: false, run: addAccountDialog },
];

export function FirstSteps({ logo, lead }: { logo?: boolean; lead?: string }) {
  const online = [...accounts.value.values()].some((one) => one.state === "online");
  return (
    <div class="desk-empty" tabIndex={-1} data-testid="first-steps">
      {logo && <Logo size={64} />}
      <p>{lead ?? (online ? w.desk.empty : w.accounts.nothing)}</p>
      <div class="steps">
        {STEPS.map((step) => (
          <button key={step.testid} type="button" class="step" disabled={step.needs && !online} onClick={step.run} data-testid={step.testid}>
            <span class="step-mark"><Icon name={step.icon} size={18} /></span>
            <span class="two"><b>{step.title}</b><small>{step.lead}</small></span>
          </button>
        ))}
      </div>
    </div>
  );
}
