"use client";
// The component <OssFerry> for React. Its ref is the element.
import { createElement, forwardRef, useEffect, useImperativeHandle, useRef, useState } from "react";
import { attributes, EVENTS, PROPERTIES } from "./attributes.js";

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
    return () => {
      for (const name of EVENTS) current.removeEventListener(name, tell);
    };
  }, []);

  // React 19 sets `lang` and `name` as properties, and would write "undefined" into them.
  const [first] = useState(() => defined(attributes(properties)));
  useEffect(() => {
    for (const [name, value] of Object.entries(attributes(properties))) {
      if (value === undefined) element.current.removeAttribute(name);
      else if (value !== element.current.getAttribute(name)) element.current.setAttribute(name, value);
    }
  });

  const hasToken = Boolean(properties.getToken);
  useEffect(() => {
    element.current.getToken = hasToken ? () => latest.current.getToken?.() : null;
  }, [hasToken]);

  const others = Object.fromEntries(Object.entries(properties).filter(([name]) => !OWN.has(name)));
  return createElement("oss-ferry", { ...others, ...first, class: properties.className, ref: element });
});

const defined = (given) => Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
