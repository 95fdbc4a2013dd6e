// The server's time of day beside a computer's clock that is wrong.
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { hearServerTime, serverNow, setServerTime } from "../src/app/clock";

const near = (one: number, other: number) => assert.ok(Math.abs(one - other) < 60_000, `${one} and ${other}`);

test("this computer's clock counts only until the server says what time it is", () => {
  const server = Date.now();
  mock.timers.enable({ apis: ["Date"], now: server + 3_600_000 });
  near(serverNow(), server + 3_600_000);
  setServerTime(new Date(server).toISOString());
  near(serverNow(), server);
  // Somebody sets the clock right.
  mock.timers.setTime(server + 7_200_000);
  near(serverNow(), server);
  hearServerTime(new Date(server - 600_000).toISOString());
  near(serverNow(), server);
  // The computer slept.
  hearServerTime(new Date(server + 600_000).toISOString());
  near(serverNow(), server + 600_000);
  setServerTime(undefined);
  near(serverNow(), server + 7_200_000);
  mock.timers.reset();
});
