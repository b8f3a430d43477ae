/** A channel as this node knows it: who listens, and how far it has been handed on. */
import type { Publication } from './broker.ts';
import { Lane, type LaneContext } from './lane.ts';
import type { Handed, Subscription } from './subscription.ts';
import type { Wire } from './wire.ts';

export class Channel {
  readonly name: string;
  /** Resolves once every later publication reaches this node. */
  readonly ready: Promise<void>;
  /** Those who need the channel to be delivered here: subscriptions, and feeds that are being prepared. */
  holds = 0;
  /** Subscriptions that were in force at some time, and still are here. */
  entered = 0;
  readonly lanes: Lane[] = [];
  readonly handed: Handed = { offset: 0, epoch: undefined, cuts: 0 };

  constructor(name: string, ready: Promise<void>) {
    this.name = name;
    this.ready = ready;
  }

  get subscribers(): number {
    return this.lanes.reduce((sum, lane) => sum + lane.size, 0);
  }

  /** The lane of a wire and a label, made when there is none. */
  lane(wire: Wire, label: string, context: LaneContext): Lane {
    const found = this.lanes.find((lane) => lane.wire === wire && lane.label === label);
    if (found !== undefined) return found;
    const lane = new Lane(this.name, wire, label, this.handed, context);
    this.lanes.push(lane);
    return lane;
  }

  /** Hands the publication to every lane. Returns the bytes of the frames. */
  append(publication: Publication, epoch: string): number {
    let bytes = 0;
    for (const lane of this.lanes) bytes += lane.append(publication, epoch);
    if (publication.offset !== 0) {
      this.handed.offset = publication.offset;
      this.handed.epoch = epoch;
    }
    return bytes;
  }

  /** What was handed on may have a hole behind it. The subscriptions that must read history, or be told. */
  cut(): Subscription[] {
    this.handed.offset = 0;
    this.handed.epoch = undefined;
    this.handed.cuts += 1;
    for (const lane of this.lanes) lane.cut();
    return this.lanes.flatMap((lane) => lane.behind());
  }

  leave(subscription: Subscription): void {
    const index = this.lanes.indexOf(subscription.lane as Lane);
    const lane = this.lanes[index];
    lane?.leave(subscription);
    if (lane?.size === 0) this.lanes.splice(index, 1);
  }
}
