/**
 * The reasons that come from the SDK itself: 2000-2019 about the connection, 2020-2039 about a subscription, 2040-2059
 * about a command. Constants of their own, so that a bundler can shorten their names.
 */
import { tokenFailedCode } from './codes.ts';
import type { Reason } from './errors.ts';

function reason(code: number, message: string): Reason {
  return { code, message };
}

export const connectCalled = reason(2000, 'connecting');
export const connected = reason(2001, 'connected');
export const closeCalled = reason(2002, 'closed: connect() opens it again');
export const connectTimeout = reason(2003, 'connecting took too long');
export const noPong = reason(2004, 'the server fell silent');
export const badFrame = reason(2005, 'the server sent an invalid frame');
export const advised = reason(2006, 'the server asked for it');
export const tokenFailed = reason(tokenFailedCode, 'the token callback failed');
export const offline = reason(2008, 'the network went away');
export const openFailed = reason(2009, 'this runtime refuses to connect');
export const noTransport = reason(2010, 'nothing here to connect with: give a WebSocket as an option');
export const subscribeCalled = reason(2020, 'subscribing');
export const subscribed = reason(2021, 'subscribed');
export const unsubscribeCalled = reason(2022, 'unsubscribe was called');
export const notRecovered = reason(2023, 'messages are no longer kept');
export const notKept = reason(2024, 'the channel keeps no history');
export const skipped = reason(2025, 'the server skipped publications');
export const timeout = reason(2040, 'the server did not answer in time');
export const connectionLost = reason(2041, 'the connection was lost');
export const queueFull = reason(2042, 'more commands wait than queueLimit');
export const tooLarge = reason(2043, 'the command exceeds maxFrameBytes');
export const notJson = reason(2044, 'data must be a JSON value');
export const overflow = reason(2045, 'the loop fell behind');
export const queueTimeout = reason(2046, 'the command waited too long');
