// Bytes of an event stream (SSE) to its blocks, however they are cut; it must not know what a block means.

/** Characters that may wait for the end of their block. */
const MOST = 4 * 1024 * 1024;

export interface Block {
  /** `message` when the block names none. */
  event: string;
  data: string;
}

/** Lines of UTF-8 text, ended by LF or CR LF. A lone CR, which the format knows too, ends none. */
export class Lines {
  private readonly decoder = new TextDecoder();
  private rest = "";

  /** The lines that these bytes complete, without their ends. */
  push(bytes: Uint8Array): string[] {
    const lines = this.decoder.decode(bytes, { stream: true }).split("\n");
    lines[0] = this.rest + lines[0];
    this.rest = lines.pop() ?? "";
    return lines.map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line));
  }

  /** Characters of the line that is not complete yet. */
  get open(): number {
    return this.rest.length;
  }
}

export class Blocks {
  private readonly lines = new Lines();
  private event = "";
  private data: string[] = [];
  private size = 0;
  private readonly most: number;

  constructor(most = MOST) {
    this.most = most;
  }

  /** The blocks that these bytes complete. Throws when one grows beyond its bound. */
  push(bytes: Uint8Array): Block[] {
    const done: Block[] = [];
    for (const line of this.lines.push(bytes)) {
      if (line !== "") {
        this.field(line);
        continue;
      }
      if (this.data.length > 0) done.push({ event: this.event || "message", data: this.data.join("\n") });
      this.event = "";
      this.data = [];
      this.size = 0;
    }
    this.bound();
    return done;
  }

  private field(line: string): void {
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (name === "event") this.event = value;
    else if (name === "data") this.data.push(value);
    else return;
    this.size += line.length;
    this.bound();
  }

  private bound(): void {
    if (this.size + this.lines.open > this.most) throw new RangeError("a block of the stream has no end");
  }
}
