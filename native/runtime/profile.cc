#include "profile.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace keratin {
namespace {

class Profile {
 public:
  ~Profile() {
    if (entries_.empty()) return;
    std::vector<std::pair<const std::string*, const ProfileEntry*>> rows;
    for (const auto& [label, entry] : entries_) {
      if (entry.calls > 0) rows.emplace_back(&label, &entry);
    }
    std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
      return a.second->nanoseconds > b.second->nanoseconds;
    });
    std::fprintf(stderr, "%12s %10s %12s  instruction\n", "ms in all", "calls",
                 "us a call");
    for (const auto& [label, entry] : rows) {
      const auto total = static_cast<double>(entry->nanoseconds);
      const auto calls = static_cast<double>(entry->calls);
      std::fprintf(stderr, "%12.3f %10.0f %12.3f  %s\n", total / 1e6, calls,
                   total / calls / 1e3, label->c_str());
    }
  }

  ProfileEntry* Find(const std::string& label) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return &entries_[label];
  }

 private:
  std::mutex mutex_;
  std::map<std::string, ProfileEntry> entries_;
};

void AppendShapes(const TensorView* views, int count, std::string& label) {
  for (int i = 0; i < count; i++) {
    label += " [";
    for (int axis = 0; axis < views[i].ndim; axis++) {
      if (axis > 0) label += ",";
      label += std::to_string(views[i].shape[axis]);
    }
    label += "]";
  }
}

}  // namespace

bool Profiling() {
  static const bool wanted = std::getenv("KERATIN_PROFILE") != nullptr;
  return wanted;
}

ProfileEntry* ProfileEntryOf(const char* name, const KernelCall& call) {
  static Profile profile;
  std::string label = name;
  AppendShapes(call.inputs, call.num_inputs, label);
  label += " ->";
  AppendShapes(call.outputs, call.num_outputs, label);
  return profile.Find(label);
}

int64_t ProfileScope::Now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace keratin
