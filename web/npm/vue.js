// The component <OssFerry> for Vue. `v-model` is the list of the keys.
import { defineComponent, h, shallowRef } from "vue";
import { attributes, EVENTS, PROPERTIES } from "./attributes.js";

const BOOLEANS = ["required", "disabled", "manual", "sha256"];
const METHODS = ["addFiles", "start", "pause", "retry", "clear", "refresh", "checkValidity", "reportValidity"];
const capital = (name) => name[0].toUpperCase() + name.slice(1);

export const OssFerry = defineComponent({
  name: "OssFerry",
  props: {
    ...Object.fromEntries(PROPERTIES.map((name) => [name, BOOLEANS.includes(name) ? Boolean : null])),
    getToken: Function,
    modelValue: Array,
  },
  emits: [...EVENTS, "update:modelValue"],
  setup(properties, { emit, expose }) {
    const element = shallowRef(null);
    const tell = ({ type, detail }) => {
      if (["upload", "removed"].includes(type)) emit("update:modelValue", element.value.value);
      emit(type, detail);
    };
    const listeners = Object.fromEntries(EVENTS.map((name) => [`on${capital(name)}`, tell]));
    const methods = METHODS.map((name) => [name, (...given) => element.value[name](...given)]);
    expose({ ...Object.fromEntries(methods), element });
    return () => {
      const all = Object.entries(attributes(properties)).map(([name, value]) => [`^${name}`, value]);
      return h("oss-ferry", { ...Object.fromEntries(all), ".getToken": properties.getToken ?? null, ...listeners, ref: element });
    };
  },
});
