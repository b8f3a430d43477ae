/** What every page says: its switches, its copy buttons, and how the connection is. */
import type { Phrases } from './language.ts';

export type CommonPhrase =
  | 'switchLanguage'
  | 'switchTheme'
  | 'copy'
  | 'copied'
  | 'copyFailed'
  | 'byApi'
  | 'connected'
  | 'connecting'
  | 'connectingIn'
  | 'offline'
  | 'ended';

export const commonEnglish: Phrases<CommonPhrase> = {
  switchLanguage: '切换到中文 (switch to Chinese)',
  switchTheme: 'Light or dark',
  copy: 'Copy',
  copied: 'Copied',
  copyFailed: 'Select it and copy',
  byApi: 'API',
  connected: 'Connected · {transport}',
  connecting: 'Connecting…',
  connectingIn: { one: 'Offline · connecting in {count} s', other: 'Offline · connecting in {count} s' },
  offline: 'Offline',
  ended: 'The server ended the connection: {reason}',
};

export const commonChinese: Phrases<CommonPhrase> = {
  switchLanguage: 'Switch to English（切换到英文）',
  switchTheme: '浅色或深色',
  copy: '复制',
  copied: '已复制',
  copyFailed: '请选中后复制',
  byApi: '接口',
  connected: '已连接 · {transport}',
  connecting: '正在连接…',
  connectingIn: '已断线 · {count} 秒后重连',
  offline: '已断线',
  ended: '服务器结束了连接：{reason}',
};
