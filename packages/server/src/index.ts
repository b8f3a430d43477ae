/** Carillon as a library: the types of a config, and `defineConfig`. */
export { defineConfig } from './config/define-config.ts';
