"use client";
// The component <OssFerry> for React. Its ref is the element.
import { createElement, forwardRef, useEffect, useImperativeHandle, useRef } from "react";
import { attributes, EVENTS, PROPERTIES } from "./attributes.js";
import "./embed.js";

const HANDLERS = Object.fromEntries(EVENTS.map((name) => [name, `on${name[0].toUpperCase()}${name.slice(1)}`]));
const OWN = new Set([...PROPERTIES, ...Object.values(HANDLERS), "getToken", "className"]);

export const OssFerry = forwardRef(function OssFerry(properties, ref) {
  const element = useRef(null);
  const latest = useRef(properties); // a new handler must not add a new listener
  latest.current = properties;
  useImperativeHandle(ref, () => element.current, []);

  useEffect(() => {
    const { current } = element;
    const tell = ({ type, detail }) => latest.current[HANDLERS[type]]?.(detail);
    for (const name of EVENTS) current.addEventListener(name, tell);
    current.getToken = latest.current.getToken ? () => latest.current.getToken() : null;
    return () => {
      for (const name of EVENTS) current.removeEventListener(name, tell);
    };
  }, []);

  const others = Object.fromEntries(Object.entries(properties).filter(([name]) => !OWN.has(name)));
  return createElement("oss-ferry", { ...others, ...attributes(properties), class: properties.className, ref: element });
});
