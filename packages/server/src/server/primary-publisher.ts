/** The way of what the primary itself publishes: rules, schemas and the publish hook hold for it as at any worker. */
import type { LinkHost } from '../brokers/link/host.ts';
import type { Broker } from '../core/broker.ts';
import type { Clock } from '../core/clock.ts';
import type { Hooks } from '../core/hooks.ts';
import type { Publisher } from '../core/publisher.ts';
import { Publishing, type PublishingContext } from '../core/publishing.ts';
import type { Rules } from '../core/rules.ts';

export interface PrimaryPublisherParts {
  readonly broker: Broker;
  readonly rules: Rules;
  readonly clock: Clock;
  /** Ask one worker. */
  readonly hooks: Hooks;
  readonly overdue: PublishingContext['overdue'];
  readonly trail: PublishingContext['trail'];
  readonly host: Pick<LinkHost, 'room'>;
}

export function primaryPublisher({ host, ...parts }: PrimaryPublisherParts): Publisher {
  // No client publishes here.
  return new Publishing({ ...parts, rate: undefined, room: () => host.room() });
}
