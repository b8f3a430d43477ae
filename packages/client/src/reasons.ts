/**
 * The reasons that come from the SDK itself: 2000-2019 about the connection, 2020-2039 about a subscription, 2040-2059
 * about a command. Constants of their own, so that a bundler can shorten their names.
 */
import type { Reason } from './errors.ts';

export const connectCalled: Reason = { code: 2000, message: 'connecting' };
export const connected: Reason = { code: 2001, message: 'connected' };
export const closeCalled: Reason = { code: 2002, message: 'closed: connect() opens it again' };
export const connectTimeout: Reason = { code: 2003, message: 'connecting took too long' };
export const noPong: Reason = { code: 2004, message: 'the server fell silent' };
export const badFrame: Reason = { code: 2005, message: 'the server sent an invalid frame' };
export const advised: Reason = { code: 2006, message: 'the server asked for it' };
export const tokenFailed: Reason = {
  code: 2007,
  message: 'the token callback failed',
};
export const offline: Reason = { code: 2008, message: 'the network went away' };
export const openFailed: Reason = { code: 2009, message: 'this runtime refuses to connect' };
export const noTransport: Reason = {
  code: 2010,
  message: 'nothing here to connect with: give a WebSocket as an option',
};
export const subscribeCalled: Reason = { code: 2020, message: 'subscribing' };
export const subscribed: Reason = { code: 2021, message: 'subscribed' };
export const unsubscribeCalled: Reason = { code: 2022, message: 'unsubscribe was called' };
export const notRecovered: Reason = { code: 2023, message: 'messages are no longer kept' };
export const notKept: Reason = { code: 2024, message: 'the channel keeps no history' };
export const skipped: Reason = { code: 2025, message: 'the server skipped publications' };
export const timeout: Reason = { code: 2040, message: 'the server did not answer in time' };
export const connectionLost: Reason = { code: 2041, message: 'the connection was lost' };
export const queueFull: Reason = {
  code: 2042,
  message: 'more commands wait than queueLimit',
};
export const tooLarge: Reason = {
  code: 2043,
  message: 'the command exceeds maxFrameBytes',
};
export const notJson: Reason = { code: 2044, message: 'data must be a JSON value' };
export const overflow: Reason = { code: 2045, message: 'the loop fell behind' };
export const queueTimeout: Reason = { code: 2046, message: 'the command waited too long' };
